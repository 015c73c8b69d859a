import { join } from 'node:path';
import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import * as client from 'openid-client';
import { blocksOf, curlOf, filesOf, readDocument, type ShownCommand } from '../support/documents';
import { freePort } from '../support/example';
import { CLI, FRIGG, openDatabase, type OpenDatabase } from '../support/forum';
import { HostProject } from '../support/host-project';
import { RunningForum } from '../support/running-forum';

export const lab = Lab.script();
const { describe, it, before, after } = lab;

/** What the document's tokens.js exports. */
interface TokensModule {
    toStored(tokens: client.TokenEndpointResponse): Stored;
    getAccessToken(config: client.Configuration, store: Store): Promise<string>;
}

interface Stored {
    access_token: string;
    refresh_token: string;
    expires_at: number;
}

interface Store {
    read(): Promise<Stored>;
    write(stored: Stored): Promise<void>;
}

describe('docs/for-application-developers.md', () => {
    let document: string;
    let project: HostProject;
    let database: OpenDatabase;
    let running: RunningForum;
    let env: Record<string, string>;

    before(async () => {
        document = await readDocument('docs/for-application-developers.md');
        [project, database] = await Promise.all([HostProject.create(filesOf(document)), openDatabase('embedded')]);
        running = await RunningForum.start(database.dataSource, { options: { lifetimes: { devicePollInterval: 1 } } });
        running.forum.server.route({
            method: 'GET',
            path: '/api/threads',
            options: { auth: { strategy: 'oauth', access: { scope: ['READ_PUBLISHED_THREADS'] } } },
            handler: ({ auth }) => ({ reader: auth.credentials.accountId })
        });
        env = { FORUM: running.issuer, COOKIE: `session=${FRIGG}` };
    });

    after(async () => {
        await running?.stop();
        await database?.done();
        await project?.done();
    });

    describe('shows curl commands, which', () => {
        let commands: ShownCommand[];

        before(() => {
            commands = curlOf(document);
        });

        /** Runs the first command with these words and checks that it answers what the document shows. */
        // A test says what it expects of an answer; the compiler cannot.
        // eslint-disable-next-line @typescript-eslint/no-explicit-any
        async function paste(words: string): Promise<any> {
            const { command, answer } = commands.find((shown) => shown.command.includes(words))!;
            const output = await project.shell(command, env);
            const parsed = output === '' ? {} : (JSON.parse(output) as Record<string, unknown>);
            expect(parsed).to.not.include('error');
            if (answer !== undefined) {
                expect(Object.keys(parsed).sort()).to.equal(Object.keys(answer as object).sort());
            }
            return parsed;
        }

        it('find the forum and register an application', async () => {
            expect((await paste('openid-configuration')).issuer).to.equal(running.issuer);
            const { client: created } = await paste('/auth/oauth/clients');
            expect(created.name).to.equal('Reader');
            env.CLIENT_ID = created.client_id;
        });

        it('sign a device in', async () => {
            const device = await paste('/oauth/device_authorization');
            await running.browser().open(device.verification_uri_complete);
            env.DEVICE_CODE = device.device_code;
            expect((await paste('$DEVICE_CODE')).scope).to.contain('READ_PUBLISHED_THREADS');
        });

        it('sign a member in, act, refresh and sign out', async () => {
            const { text } = blocksOf(document).find((block) => block.text.includes('CHALLENGE=$('))!;
            const [address, verifier] = (await project.shell(`${text}\necho "$VERIFIER"`, env)).trim().split('\n');
            const callback = await running.browser().authorize(address!);
            expect(callback.searchParams.get('iss')).to.equal(running.issuer);
            env.CODE = callback.searchParams.get('code')!;
            env.VERIFIER = verifier!;

            const tokens = await paste('$CODE ');
            env.ACCESS_TOKEN = tokens.access_token;
            env.REFRESH_TOKEN = tokens.refresh_token;
            expect((await paste('/oauth/userinfo')).preferred_username).to.equal('frigg');
            expect(await paste('/api/threads')).to.equal({ reader: FRIGG });

            env.REFRESH_TOKEN = (await paste('grant_type=refresh_token')).refresh_token;
            await paste('/oauth/revoke');
            await expect(paste('grant_type=refresh_token')).to.reject();
        });
    });

    it('has a website that signs members in', async () => {
        const SITE = `http://localhost:${await freePort()}`;
        const { client: created, client_secret: secret } = await running.createApplication('confidential', {
            redirect_uris: [`${SITE}/callback`]
        });
        const site = project.start(['site.js'], {
            FORUM: running.issuer,
            CLIENT_ID: created.client_id,
            CLIENT_SECRET: secret,
            SITE
        });
        await site.says(/Open http/);
        const signIn = async (decision: 'approve' | 'deny', keepsCookie = true): Promise<Response> => {
            const begun = await fetch(`${SITE}/login`, { redirect: 'manual' });
            const callback = await running.browser(FRIGG, decision).authorize(begun.headers.get('location')!);
            const cookie = keepsCookie ? begun.headers.getSetCookie()[0]!.split(';')[0]! : '';
            return fetch(callback, { headers: { cookie } });
        };

        expect(await (await signIn('approve')).text()).to.equal(`Hello frigg (${FRIGG})`);
        expect((await signIn('deny')).status).to.equal(403);
        expect((await signIn('approve', false)).status).to.equal(400);
        site.child.kill('SIGTERM');
        await site.finished;
    });

    it('has a command-line tool that signs in', async () => {
        const tool = project.start(['device.js'], { FORUM: running.issuer, CLIENT_ID: CLI.client_id });
        const [, address, code] = await tool.says(/Open (\S+) and enter the code (\S+)/);
        await running.browser().open(`${address}?user_code=${code}`);
        const { output } = await tool.finished;
        expect(output).to.contain('Signed in as frigg');
    });

    describe('has a module that keeps tokens fresh, which', () => {
        let tokens: TokensModule;
        let config: client.Configuration;
        let kept: Stored;
        const store: Store = {
            read: () => Promise.resolve({ ...kept, expires_at: 0 }),
            write: (stored) => {
                kept = stored;
                return Promise.resolve();
            }
        };

        before(async () => {
            tokens = (await import(join(project.folder, 'tokens.js'))) as TokensModule;
            config = await client.discovery(new URL(running.issuer), CLI.client_id, undefined, client.None(), {
                execute: [client.allowInsecureRequests]
            });
            kept = tokens.toStored((await running.forum.signIn()) as unknown as client.TokenEndpointResponse);
        });

        /** Lets `spoil` have its way with the first answer. */
        function withFirstAnswer(spoil: (answer: Response) => Response): void {
            let isFirst = true;
            config[client.customFetch] = async (url, options) => {
                const answer = await fetch(url, options);
                if (!isFirst) {
                    return answer;
                }
                isFirst = false;
                return spoil(answer);
            };
        }

        it('repeats a request whose answer was lost', async () => {
            for (const spoil of [
                () => {
                    throw new TypeError('The connection broke');
                },
                () => Response.json({ error: 'temporarily_unavailable' }, { status: 503 }),
                () => Response.json({ error: 'temporarily_unavailable' }, { status: 429 })
            ]) {
                const before = kept.refresh_token;
                withFirstAnswer(spoil);
                expect(await tokens.getAccessToken(config, store)).to.equal(kept.access_token);
                expect(kept.refresh_token).to.not.equal(before);
            }
        });

        it('asks for nothing while the access token is good', async () => {
            const stored = { ...kept, expires_at: Date.now() + 60_000 };
            const token = await tokens.getAccessToken(config, { ...store, read: () => Promise.resolve(stored) });
            expect(token).to.equal(kept.access_token);
        });

        it('gives up when the grant is revoked', async () => {
            await client.tokenRevocation(config, kept.refresh_token);
            const refusal = await expect(tokens.getAccessToken(config, store)).to.reject(client.ResponseBodyError);
            expect(refusal.error).to.equal('invalid_grant');
        });
    });
});
