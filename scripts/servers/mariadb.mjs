import { join } from 'node:path';
import mysql from 'mysql2/promise';

// mariadbd refuses to run as root unless it is told to, and --user is root's alone to give.
const asRoot = process.getuid?.() === 0 ? ['--user=root'] : [];

/** A MariaDB server with an empty root password, an empty schema and nothing synchronised to the disk. */
export const mariadb = {
    program: 'mariadbd',
    installer: 'mariadb-install-db',
    packages: { debian: 'mariadb-server', other: 'MariaDB server' },

    // Relative to the server's folder: mariadb-install-db cannot take a path with a space in it.
    installation: [
        '--no-defaults',
        ...asRoot,
        '--auth-root-authentication-method=normal',
        '--skip-test-db',
        '--skip-name-resolve',
        '--datadir=./data'
    ],

    arguments: (folder, port) => [
        '--no-defaults',
        ...asRoot,
        `--datadir=${join(folder, 'data')}`,
        // Relative to the data directory: the whole path can be longer than a socket's may be.
        '--socket=mariadb.sock',
        '--bind-address=127.0.0.1',
        `--port=${port}`,
        '--skip-name-resolve',
        '--character-set-server=utf8mb4',
        // Written at each commit, so that a server killed by a test keeps what it had confirmed, but never synchronised.
        '--innodb-flush-log-at-trx-commit=2',
        '--loose-innodb-flush-method=nosync'
    ],

    url: (port) => `mysql://root@127.0.0.1:${port}`,

    /** Whether it is this server, and not a stranger with the same port, that answers. */
    async isReady(folder, port) {
        const connection = await mysql.createConnection(this.url(port));
        try {
            const [rows] = await connection.query('SELECT @@datadir AS folder');
            return rows[0].folder === join(folder, 'data/');
        } finally {
            connection.destroy();
        }
    }
};

const LAZY = ['--innodb-flush-log-at-trx-commit', '--loose-innodb-flush-method'];

/** The same as a forum would run it: every commit is on the disk, and there is memory for what is in use. */
export const durableMariadb = {
    ...mariadb,
    arguments: (folder, port) => [
        ...mariadb.arguments(folder, port).filter((argument) => !LAZY.some((name) => argument.startsWith(name))),
        '--innodb-flush-log-at-trx-commit=1',
        '--innodb-buffer-pool-size=4G',
        '--innodb-log-file-size=2G'
    ]
};
