import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { readSettings, type Settings } from '../../jobs/command/arguments';

const lab = Lab.script();
export { lab };
const { describe, it } = lab;

const REDIS = 'redis://127.0.0.1';

describe('the URLs of forum-oauth-worker', () => {
    const read = (database: string, redis = REDIS): Settings =>
        readSettings(['--database-url', database, '--redis-url', redis], {}) as Settings;
    const refusal = (...args: string[]): string => {
        try {
            readSettings(args, {});
        } catch (error) {
            return (error as Error).message;
        }
        throw new Error(`accepted: ${args.join(' ')}`);
    };

    it('name MySQL or MariaDB, by name or address, with any character in the password', () => {
        expect(read('mysql://forum:p%40ss%2Fword@db.example/forum').database).to.equal({
            type: 'mysql',
            host: 'db.example',
            port: 3306,
            username: 'forum',
            password: 'p@ss/word',
            database: 'forum'
        });
        expect(read('mariadb://[2001:db8::1]:3307/forum').database).to.include({ host: '2001:db8::1', port: 3307 });
    });

    it('ask for TLS, with an authority of their own', async () => {
        expect(read('mysql://db/forum?ssl=true').database.ssl).to.equal({
            rejectUnauthorized: true,
            verifyIdentity: true
        });
        expect(read('mysql://db/forum?ssl=false').database.ssl).to.be.undefined();
        const folder = await mkdtemp(join(tmpdir(), 'ca-'));
        const file = join(folder, 'ca.pem');
        await writeFile(file, 'the authority');
        const { ssl } = read(`mysql://db/forum?ssl-ca=${encodeURIComponent(file)}`).database;
        expect(ssl).to.equal({ ca: 'the authority', rejectUnauthorized: true, verifyIdentity: true });
        await rm(folder, { recursive: true });
        expect(refusal('--once', '--database-url', `mysql://db/forum?ssl-ca=${file}`)).to.contain('ENOENT');
    });

    it('are refused where the command cannot do what they ask, without their password', () => {
        const wrong: [string, string][] = [
            ['postgres://forum:hunter2@db/forum', 'MySQL or MariaDB'],
            ['mysql://forum:hunter2@db', 'Set a database'],
            ['mysql://forum:hunter2@/forum', 'Set a database'],
            ['mysql://forum:hunter2@db/forum?charset=utf8', 'parameter charset'],
            ['mysql://forum:hunter2@db/forum?ssl=maybe', 'true or false'],
            ['mysql://forum:hunter2@192.0.2.1/forum?ssl=true', 'as a name'],
            ['mysql://forum:hunter2@[2001:db8::1]/forum?ssl=true', 'as a name'],
            ['mysql://forum:hunter2@db/forum?ssl=false&ssl-ca=/ca.pem', 'ssl=false'],
            ['not a url', 'Set a database']
        ];
        for (const [url, says] of wrong) {
            const message = refusal('--once', '--database-url', url);
            expect(message, url).to.contain(says).and.not.contain('hunter2');
        }
        const redis = ['--database-url', 'mysql://db/forum', '--redis-url'];
        for (const url of [
            'http://:hunter2@redis',
            'redis://',
            'redis://:hunter2@redis:port',
            'redis://:hunter2@redis/0?tls=true',
            'redis://:hunter2@redis/name',
            'redis+sentinel://:hunter2@redis:26379',
            'redis+sentinel://:hunter2@redis:26379/name/0/1',
            'redis+proxy://:hunter2@redis'
        ]) {
            expect(refusal(...redis, url), url)
                .to.contain('Set a Redis')
                .and.not.contain('hunter2');
        }
        expect(refusal(...redis, 'redis+cluster://redis/1')).to.contain('no databases');
        expect(refusal(...redis, 'redis://:100%@redis'))
            .to.contain('%25')
            .and.not.contain('100');
    });

    it('name a Redis, one behind Sentinels, or a cluster, with any character in the password', () => {
        const redis = (url: string): Settings['redis'] => read('mysql://db/forum', url).redis;
        expect(redis('rediss://me:p%40s%3As@redis.example/3')).to.equal({
            kind: 'server',
            hosts: [{ host: 'redis.example', port: 6379 }],
            database: 3,
            username: 'me',
            password: 'p@s:s',
            tls: true
        });
        expect(redis('redis+sentinel://:secret@one:1,[2001:db8::2]/forum')).to.equal({
            kind: 'sentinel',
            hosts: [
                { host: 'one', port: 1 },
                { host: '2001:db8::2', port: 26_379 }
            ],
            name: 'forum',
            password: 'secret',
            tls: false
        });
        expect(redis('rediss+cluster://one,two:7000')).to.equal({
            kind: 'cluster',
            hosts: [
                { host: 'one', port: 6379 },
                { host: 'two', port: 7000 }
            ],
            tls: true
        });
    });

    it('are never repeated where their option is missing or misspelled', () => {
        const url = 'mysql://forum:hunter2 with spaces@db/forum';
        for (const args of [[url], ['--once', url], ['--database', url], [`--database=${url}`], [`--once=${url}`]]) {
            expect(refusal(...args), args.join(' ')).not.to.contain('hunter2');
        }
    });
});
