import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import mysql from 'mysql2/promise';
import { generate } from 'selfsigned';
import { DataSource } from 'typeorm';
import { main } from '../../jobs/command';
import { readDatabaseUrl } from '../../jobs/command/database-url';
import { entities, migrations } from '../../plugin';
import { startOwnServers } from '../support/own-servers';

const lab = Lab.script();
export { lab };
const { after, before, describe, it } = lab;

describe('a database that takes TLS only', () => {
    let servers: Awaited<ReturnType<typeof startOwnServers>>;
    let url: URL;

    const connect = (): Promise<mysql.Connection> =>
        mysql.createConnection({
            host: 'localhost',
            port: Number(url.port),
            user: 'root',
            ssl: { ca: readFileSync(url.searchParams.get('ssl-ca')!, 'utf8') }
        });

    before(async () => {
        servers = await startOwnServers('tls-mariadb');
        url = new URL(servers.urls['tls-mariadb']!);
        const connection = await connect();
        await connection.query('CREATE DATABASE forum');
        await connection.end();
        url.pathname = '/forum';
        const dataSource = new DataSource({ ...readDatabaseUrl(url.href), entities, migrations });
        await dataSource.initialize();
        await dataSource.runMigrations();
        const [{ Value: cipher }] = await dataSource.query("SHOW SESSION STATUS LIKE 'Ssl_cipher'");
        expect(cipher).to.match(/^TLS_|GCM/);
        await dataSource.destroy();
    });

    after(() => servers.stop());

    const once = async (change: (url: URL) => void): Promise<string> => {
        const own = new URL(url);
        change(own);
        let text = '';
        const output = { isTTY: false, write: (line: string) => ((text += line), true) };
        await main(['--once', '--dry-run', '--database-url', own.href], {}, output);
        return text;
    };

    it('is worked on by the command, which knows its authority and its name', async () => {
        expect(await once(() => undefined)).to.contain('prune-refresh-chains');
    });

    it('is refused where it cannot prove who it is', async () => {
        const own = ({ searchParams }: URL): void => {
            searchParams.delete('ssl-ca');
            searchParams.set('ssl', 'true');
        };
        await expect(once(own)).to.reject(/self-signed certificate/);
        await expect(once(({ searchParams }) => searchParams.delete('ssl-ca'))).to.reject(/denied|secure transport/);
    });

    it('is refused where its authority certifies it by another name, unless it is reached by its address', async () => {
        const connection = await connect();
        const folder = dirname(url.searchParams.get('ssl-ca')!);
        const other = await generate([{ name: 'commonName', value: 'other.example' }], { algorithm: 'sha256' });
        writeFileSync(join(folder, 'key.pem'), other.private);
        writeFileSync(join(folder, 'cert.pem'), other.cert);
        await connection.query('FLUSH SSL');
        await connection.end();
        await expect(once(() => undefined)).to.reject(/certificate's altnames|does not match/);
        expect(await once((own) => (own.hostname = '127.0.0.1'))).to.contain('prune-refresh-chains');
    });
});
