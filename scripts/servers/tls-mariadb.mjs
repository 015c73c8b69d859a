import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import mysql from 'mysql2/promise';
import { generate } from 'selfsigned';
import { mariadb } from './mariadb.mjs';

const FILES = { key: 'private', cert: 'cert' };

/** A MariaDB server that refuses connections without TLS. Its certificate is its own authority, in the URL. */
export const tlsMariadb = {
    ...mariadb,

    async configure(folder) {
        const made = await generate([{ name: 'commonName', value: 'localhost' }], {
            algorithm: 'sha256',
            extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }]
        });
        for (const [name, field] of Object.entries(FILES)) {
            writeFileSync(join(folder, `${name}.pem`), made[field], { mode: 0o600 });
        }
    },

    arguments: (folder, port) => [
        ...mariadb.arguments(folder, port),
        ...Object.keys(FILES).map((name) => `--ssl-${name}=${join(folder, `${name}.pem`)}`),
        '--require-secure-transport=ON'
    ],

    url: (port, folder) => `mysql://root@localhost:${port}?ssl-ca=${encodeURIComponent(join(folder, 'cert.pem'))}`,

    async isReady(folder, port) {
        // Who it is has to be known here, not whom it is certified by.
        const connection = await mysql.createConnection({
            host: '127.0.0.1',
            port,
            user: 'root',
            ssl: { rejectUnauthorized: false }
        });
        try {
            const [rows] = await connection.query('SELECT @@datadir AS folder');
            return rows[0].folder === join(folder, 'data/');
        } finally {
            connection.destroy();
        }
    }
};
