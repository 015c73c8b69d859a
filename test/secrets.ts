import { createHash } from 'node:crypto';
import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { basic, CLI, DEVICE_CODE, FRIGG, type Answer } from './support/forum';
import { useDatabase, useForum } from './support/setup';

const lab = Lab.script();
export { lab };
const { after, before, describe, it } = lab;

/** The tables whose absence makes a flow fail in its middle. */
const TABLES = [
    'oauth_clients',
    'oauth_grants',
    'oauth_refresh_tokens',
    'oauth_device_authorizations',
    'oauth_user_code_failures'
];

describe('a secret', () => {
    const database = useDatabase(lab);
    const forum = useForum(lab, { database });
    const secrets = new Set<string>();
    const errorBodies: string[] = [];
    const printed: string[] = [];

    const write = {
        stdout: process.stdout.write.bind(process.stdout),
        stderr: process.stderr.write.bind(process.stderr)
    };

    before(async () => {
        for (const stream of ['stdout', 'stderr'] as const) {
            process[stream].write = (chunk: string | Uint8Array) => {
                printed.push(Buffer.from(chunk).toString());
                return write[stream](chunk);
            };
        }
    });

    after(async () => {
        process.stdout.write = write.stdout;
        process.stderr.write = write.stderr;
    });

    /** Keeps what an answer hands out, and the text of one that is an error. */
    const note = async (answer: Promise<Answer>): Promise<Answer> => {
        const given = await answer;
        if (given.status >= 400) {
            errorBodies.push(given.text + JSON.stringify(given.headers));
        }
        for (const name of ['access_token', 'id_token', 'refresh_token', 'device_code', 'client_secret']) {
            const secret: unknown = given.body?.[name];
            if (typeof secret === 'string') {
                secrets.add(secret);
            }
        }
        return given;
    };

    /** Everything that the database knows and nobody else may: hashes, encrypted successors and token family keys. */
    const noteColumns = async (): Promise<void> => {
        const columns = [
            ['oauth_grants', 'chain_key'],
            ['oauth_refresh_tokens', 'token_hash'],
            ['oauth_refresh_tokens', 'sealed_token'],
            ['oauth_device_authorizations', 'device_code_hash'],
            ['oauth_clients', 'secret_hash'],
            ['oauth_clients', 'previous_secret_hash']
        ];
        for (const [table, column] of columns) {
            const rows = await database.dataSource.query(`SELECT ${column} AS secret FROM ${table}`);
            for (const { secret } of rows as { secret: string | null }[]) {
                if (secret !== null) {
                    secrets.add(secret);
                }
            }
        }
    };

    const spellings = (secret: string): string[] => {
        const hash = createHash('sha256').update(secret).digest();
        return [
            secret,
            Buffer.from(secret).toString('base64').replace(/=+$/, ''),
            Buffer.from(secret).toString('hex'),
            hash.toString('hex'),
            hash.toString('base64').replace(/=+$/, ''),
            hash.toString('base64url'),
            // A token's signature or an encrypted successor's end alone would be too much.
            ...(secret.length > 80 ? [secret.slice(-40)] : [])
        ];
    };

    const showsNowhere = (): void => {
        expect(secrets.size).to.be.above(5);
        const places: Record<string, string> = {
            logs: forum.log.join('\n'),
            events: JSON.stringify(forum.events),
            errors: errorBodies.join('\n'),
            output: printed.join('')
        };
        for (const secret of secrets) {
            for (const spelling of spellings(secret)) {
                for (const [place, text] of Object.entries(places)) {
                    expect(text.includes(spelling), `${secret} is in the ${place}`).to.be.false();
                }
            }
        }
    };

    const form = (path: string, fields: Record<string, string>, headers?: Record<string, string>): Promise<Answer> =>
        note(forum.form(path, fields, headers));

    const as = (method: string, path: string, body?: unknown): Promise<Answer> =>
        note(forum.as(FRIGG, method, path, body));

    interface Made {
        deviceCode: string;
        userCode: string;
        approvedCode: string;
        refreshToken: string;
        rotatedToken: string;
        clientId: string;
        id: string;
        secret: string;
    }

    /** One of everything. */
    const makeAll = async (): Promise<Made> => {
        const { client, client_secret: secret } = (
            await as('POST', '/auth/oauth/clients', {
                name: 'A bot',
                type: 'confidential',
                allowed_grants: ['client_credentials'],
                allowed_scopes: ['CREATE_POST']
            })
        ).body;
        const device = (await form('/oauth/device_authorization', CLI)).body;
        const approved = (await form('/oauth/device_authorization', CLI)).body;
        await forum.decide(FRIGG, approved.user_code as string);
        const signedIn = (await form('/oauth/device_authorization', CLI)).body;
        await forum.decide(FRIGG, signedIn.user_code as string);
        const { refresh_token: rotatedToken } = (await exchange(signedIn.device_code as string)).body;
        const { refresh_token: refreshToken } = (await refresh(rotatedToken as string)).body;
        await noteColumns();
        return {
            deviceCode: device.device_code,
            userCode: device.user_code,
            approvedCode: approved.device_code,
            refreshToken,
            rotatedToken,
            clientId: client.client_id,
            id: client.id,
            secret
        };
    };

    const exchange = (deviceCode: string): Promise<Answer> =>
        form('/oauth/token', { grant_type: DEVICE_CODE, client_id: CLI.client_id, device_code: deviceCode });

    const refresh = (refreshToken: string): Promise<Answer> =>
        form('/oauth/token', { grant_type: 'refresh_token', client_id: CLI.client_id, refresh_token: refreshToken });

    /** Everything that can be done with them. Some of it succeeds once, none of it has to. */
    const useAll = async (made: Made): Promise<Answer[]> => [
        await exchange(made.deviceCode),
        await exchange(made.deviceCode),
        await exchange(made.approvedCode),
        await exchange(made.approvedCode),
        await refresh(made.refreshToken),
        await refresh(made.rotatedToken),
        await refresh(`${made.refreshToken.slice(0, -1)}_`),
        await form('/oauth/token', { grant_type: 'client_credentials' }, basic(made.clientId, made.secret)),
        await form('/oauth/token', { grant_type: 'client_credentials' }, basic(made.clientId, `${made.secret}x`)),
        await form('/oauth/token', {
            grant_type: 'client_credentials',
            client_id: made.clientId,
            client_secret: made.secret
        }),
        // Secrets where none belong.
        await form('/oauth/token', { grant_type: made.secret, client_id: CLI.client_id }),
        await form('/oauth/token', { grant_type: 'refresh_token', client_id: made.refreshToken }),
        await form('/oauth/token', { grant_type: 'client_credentials', scope: made.secret, client_id: CLI.client_id }),
        await form('/oauth/device_authorization', { ...CLI, scope: made.secret }),
        await form('/oauth/device_authorization', CLI),
        await note(forum.form('/oauth/token', `${made.secret}=1&${made.secret}=2`)),
        await note(forum.form('/oauth/token', `${made.secret}=%zz`)),
        await note(forum.form('/oauth/token', `{"${made.secret}`, { 'content-type': 'application/json' })),
        await as('GET', `/oauth/device/consent?user_code=${made.userCode}`),
        await as('POST', '/oauth/device/consent', { user_code: made.userCode, decision: made.secret }),
        await as('POST', '/auth/oauth/clients', { name: made.secret, type: made.secret }),
        await as('PATCH', `/auth/oauth/clients/${made.id}`, { allowed_scopes: [made.secret] }),
        await as('PATCH', `/auth/oauth/clients/${made.id}`, { redirect_uris: [made.secret] }),
        await as('GET', `/auth/oauth/tokens?status=${made.secret}`),
        await as('GET', '/auth/oauth/tokens'),
        await as('GET', '/auth/oauth/clients'),
        await as('DELETE', `/auth/oauth/tokens/${made.refreshToken}`),
        await as('POST', `/auth/oauth/clients/${made.id}/secret`, { overlap_seconds: 60 }),
        await as('DELETE', `/auth/oauth/clients/${made.id}`)
    ];

    it('shows in no log, event or error of flows that succeed and of flows that fail', async () => {
        const answers = await useAll(await makeAll());
        expect(answers.filter(({ status }) => status === 200).length).to.be.above(7);
        forum.pass(3600);
        // Reuse revokes the grant, which is told to the host.
        const made = await makeAll();
        forum.pass(61);
        await refresh(made.rotatedToken);
        expect(forum.events.some(({ type }) => type === 'refresh_token_reused')).to.be.true();
        await noteColumns();
        showsNowhere();
    });

    for (const table of TABLES) {
        it(`shows in no log, event or error when ${table} cannot be written or read`, async () => {
            const made = await makeAll();
            await database.dataSource.query(`RENAME TABLE ${table} TO away`);
            let answers: Answer[];
            try {
                answers = await useAll(made);
            } finally {
                await database.dataSource.query(`RENAME TABLE away TO ${table}`);
            }
            const failures = answers.filter(({ status }) => status >= 500);
            expect(failures.length).to.be.above(0);
            for (const { text } of failures) {
                expect(text).to.not.match(/oauth_|SELECT|INSERT|ER_|QueryFailed/);
            }
            // What failed is told to those who run the server.
            expect(forum.log.join('\n')).to.include('ER_NO_SUCH_TABLE');
            await noteColumns();
            showsNowhere();
        });
    }

    it('shows in no log, event or error when the database quotes what it refuses', async () => {
        const made = await makeAll();
        // What was to be written is known to nobody else, so it is marked.
        const columns = {
            oauth_device_authorizations: 'device_code_hash',
            oauth_clients: 'secret_hash',
            oauth_refresh_tokens: 'token_hash',
            oauth_grants: 'chain_key'
        };
        for (const [table, column] of Object.entries(columns)) {
            await database.dataSource.query(
                `CREATE TRIGGER refuse_${table} BEFORE INSERT ON ${table} FOR EACH ROW BEGIN
                    DECLARE message VARCHAR(120) DEFAULT CONCAT('refused: ', COALESCE(NEW.${column}, ''));
                    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = message;
                END`
            );
        }
        const answers = await useAll(made);
        for (const table of Object.keys(columns)) {
            await database.dataSource.query(`DROP TRIGGER refuse_${table}`);
        }
        expect(answers.filter(({ status }) => status >= 500).length).to.be.above(0);
        expect(forum.log.join('\n')).to.include('ER_SIGNAL_EXCEPTION');
        for (const text of [...forum.log, ...errorBodies, ...printed]) {
            expect(text).to.not.include('refused: ');
        }
        showsNowhere();
    });

    it('shows in no log, event or error when the connections are killed under way', async () => {
        for (let round = 0; round < 3; ++round) {
            const made = await makeAll();
            const using = useAll(made);
            for (let kills = 0; kills < 5; ++kills) {
                const connections: { id: number }[] = await database.dataSource
                    .query(
                        'SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()'
                    )
                    .catch(() => []);
                for (const { id } of connections) {
                    await database.dataSource.query(`KILL ${Number(id)}`).catch(() => undefined);
                }
            }
            await using;
        }
        await noteColumns();
        showsNowhere();
    });
});
