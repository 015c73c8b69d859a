import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import type { Options } from '../../plugin/index';
import {
    answered,
    authorize,
    changeApp,
    countRows,
    createApp,
    obtainCode,
    locationOf,
    parametersOf,
    readRequest,
    REDIRECT_URI,
    redeem,
    type App,
    type Changes
} from '../support/authorization';
import type { Forum } from '../support/forum';
import { claimsOf, CLI, FRIGG, ISSUER, ODIN, type Answer } from '../support/forum';
import { useForum } from '../support/setup';

const lab = Lab.script();
export { lab };
const { after, before, describe, it } = lab;

const CONSENT = `${ISSUER}/oauth/authorize/consent?request_id=`;
const LOGIN = `${ISSUER}/login?return_to=`;

describe('an authorization request', () => {
    const forum = useForum(lab);
    let app: App;

    before(async () => {
        app = await createApp(forum);
    });

    function ask(changes: Changes = {}, of: App = app, accountId = FRIGG): Promise<Answer> {
        return authorize(forum, accountId, parametersOf(of, changes));
    }

    async function expectRefused(changes: Changes, error: string, of: App = app): Promise<void> {
        const rows = await countRows(forum.dataSource);
        const answer = await ask(changes, of);
        const what = JSON.stringify(changes).slice(0, 200);
        expect(locationOf(answer), what).to.startWith(`${of.redirectUri}?`);
        expect(answered(answer), what).to.include({ error, iss: ISSUER });
        expect(await countRows(forum.dataSource), what).to.equal(rows);
    }

    async function expectBegun(changes: Changes, of: App = app): Promise<void> {
        const answer = await ask(changes, of);
        expect(locationOf(answer), JSON.stringify(changes).slice(0, 200)).to.startWith(CONSENT);
    }

    /** The scopes that the consent page shows. */
    async function shown(scope: string | null, of: App = app, accountId = FRIGG): Promise<Answer['body']> {
        const answer = await ask({ scope }, of, accountId);
        const requestId = new URL(answer.headers.location!).searchParams.get('request_id')!;
        return (await readRequest(forum, accountId, requestId)).body;
    }

    describe('its redirect URI', () => {
        it('is any of those that the client registered', async () => {
            const uris = ['https://app.example/one', 'https://app.example/two?x=y', 'https://other.example/'];
            const several = await createApp(forum, { redirect_uris: uris });
            for (const uri of uris) {
                await expectBegun({ redirect_uri: uri }, several);
            }
        });

        it('has any port on a loopback host, and otherwise is what was registered', async () => {
            const cases: [string, string[], string[]][] = [
                [
                    'http://127.0.0.1/cb',
                    ['http://127.0.0.1:1/cb', 'http://127.0.0.1:51004/cb', 'http://127.0.0.1:65535/cb'],
                    [
                        'http://127.0.0.1:65536/cb',
                        'http://127.0.0.1:/cb',
                        'http://127.0.0.1:80x/cb',
                        'http://127.0.0.1:-1/cb',
                        'http://127.0.0.1:80:80/cb',
                        'http://127.0.0.1:80/cb/',
                        'http://127.0.0.1:80/CB',
                        'http://127.0.0.1:80/cb?x',
                        'http://127.0.0.1:80/cb#x',
                        'http://127.0.0.1:80@evil.example/cb',
                        'http://127.0.0.1:80\\@evil.example/cb',
                        'http://127.0.0.1.evil.example:80/cb',
                        'http://127.0.0.2:80/cb',
                        'http://localhost:80/cb',
                        'http://[::1]:80/cb',
                        'https://127.0.0.1:80/cb',
                        'HTTP://127.0.0.1:80/cb',
                        'http://2130706433:80/cb',
                        'http://127.1:80/cb'
                    ]
                ],
                [
                    'http://localhost:3000/cb?x=y',
                    ['http://localhost/cb?x=y', 'http://localhost:3000/cb?x=y', 'http://localhost:8080/cb?x=y'],
                    ['http://localhost:8080/cb', 'http://LOCALHOST:8080/cb?x=y', 'http://localhost.:8080/cb?x=y']
                ],
                [
                    'http://[::1]:0/',
                    ['http://[::1]:49152/', 'http://[::1]/'],
                    ['http://[::1]:49152', 'http://[0:0:0:0:0:0:0:1]:49152/', 'http://[::2]:49152/']
                ],
                ['http://127.8.9.10', ['http://127.8.9.10:99'], ['http://127.8.9.10:99/', 'http://127.8.9.1:99']],
                ['https://app.example/cb', [], ['https://app.example:443/cb', 'https://app.example:8443/cb']],
                ['https://localhost/cb', [], ['https://localhost:8443/cb', 'http://localhost:8443/cb']],
                ['com.example.app://localhost/cb', [], ['com.example.app://localhost:80/cb']]
            ];
            for (const [registered, same, others] of cases) {
                const native = await createApp(forum, { redirect_uris: [registered] });
                for (const uri of [registered, ...same]) {
                    await expectBegun({ redirect_uri: uri }, native);
                    const location = locationOf(await ask({ redirect_uri: uri, request: 'x' }, native));
                    expect(location, uri).to.startWith(`${uri}${uri.includes('?') ? '&' : '?'}error=request_not`);
                }
                for (const uri of others) {
                    const { status, headers, body } = await ask({ redirect_uri: uri }, native);
                    expect([status, headers.location, body?.error], uri).to.equal([400, undefined, 'invalid_request']);
                }
            }
        });
    });

    it('has no other port on any other host, even where http got registered for one', async () => {
        const old = await createApp(forum);
        await changeApp(forum.dataSource, old, { redirectUris: JSON.stringify(['http://app.example/cb']) });
        await expectBegun({ redirect_uri: 'http://app.example/cb' }, old);
        const { status } = await ask({ redirect_uri: 'http://app.example:8080/cb' }, old);
        expect(status).to.equal(400);
    });

    it('needs each of its parameters once, and takes an empty one for none', async () => {
        for (const name of ['response_type', 'code_challenge', 'code_challenge_method']) {
            await expectRefused({ [name]: null }, 'invalid_request');
            await expectRefused({ [name]: '' }, 'invalid_request');
        }
        for (const name of ['scope', 'state', 'nonce', 'prompt', 'max_age', 'response_mode', 'request', 'resource']) {
            await expectBegun({ [name]: '' });
        }
        for (const name of ['response_type', 'scope', 'nonce', 'code_challenge', 'prompt', 'max_age', 'unheard_of']) {
            const [, value] = parametersOf(app).find(([given]) => given === name) ?? [name, ''];
            const answer = await authorize(forum, FRIGG, [...parametersOf(app, { [name]: value }), [name, value]]);
            expect(answered(answer), name).to.include({
                error: 'invalid_request',
                state: 'the state',
                iss: ISSUER
            });
        }
    });

    it('may have parameters that the server does not know', async () => {
        await expectBegun({ ui_locales: 'de', display: 'popup', login_hint: 'frigg', foo: 'bar', __proto__x: '1' });
    });

    it('is answered by code only', async () => {
        for (const type of ['token', 'id_token', 'code token', 'code id_token', 'none', 'CODE', 'code ']) {
            await expectRefused({ response_type: type }, 'unsupported_response_type');
        }
    });

    it('is answered in the query only', async () => {
        await expectBegun({ response_mode: 'query' });
        for (const mode of ['fragment', 'form_post', 'jwt', 'query.jwt', 'QUERY']) {
            await expectRefused({ response_mode: mode }, 'invalid_request');
        }
    });

    it('is refused with the errors of OpenID Connect for what the server does not take', async () => {
        await expectRefused({ request: 'eyJhbGciOiJub25lIn0.e30.' }, 'request_not_supported');
        await expectRefused({ request_uri: 'https://app.example/r' }, 'request_uri_not_supported');
        await expectRefused({ registration: '{}' }, 'registration_not_supported');
    });

    it('is refused to a client without the grant', async () => {
        const app2 = await createApp(forum);
        await changeApp(forum.dataSource, app2, { allowedGrants: 'refresh_token' });
        await expectRefused({}, 'unauthorized_client', app2);
    });

    it('has a challenge by S256, whichever the client is', async () => {
        const confidential = await createApp(forum, { type: 'confidential', pkce_required: false });
        for (const of of [app, confidential]) {
            await expectBegun({}, of);
            await expectRefused({ code_challenge_method: 'plain' }, 'invalid_request', of);
            await expectRefused({ code_challenge_method: 's256' }, 'invalid_request', of);
            await expectRefused({ code_challenge: null, code_challenge_method: null }, 'invalid_request', of);
            for (const challenge of ['x', 'a'.repeat(42), 'a'.repeat(44), `${'a'.repeat(42)}=`, `${'a'.repeat(42)}.`]) {
                await expectRefused({ code_challenge: challenge }, 'invalid_request', of);
            }
        }
    });

    it('has a state of at most 4,096 characters and a nonce of at most 1,024', async () => {
        await expectBegun({ state: 's'.repeat(4096), nonce: 'n'.repeat(1024) });
        await expectRefused({ state: 's'.repeat(4097) }, 'invalid_request');
        await expectRefused({ nonce: 'n'.repeat(1025) }, 'invalid_request');
    });

    describe('its resource', () => {
        it('is this forum, with or without the empty path, once or more often', async () => {
            const query = new URLSearchParams(parametersOf(app)).toString();
            for (const resources of [[ISSUER], [`${ISSUER}/`], [ISSUER, `${ISSUER}/`, ISSUER]]) {
                const repeated = resources.map((resource) => `&resource=${encodeURIComponent(resource)}`).join('');
                const answer = await authorize(forum, FRIGG, query + repeated);
                expect(locationOf(answer)).to.startWith(CONSENT);
            }
        });

        it('is no other', async () => {
            for (const resource of [
                'https://other.example',
                `${ISSUER}/api`,
                `${ISSUER}//`,
                `${ISSUER}?x`,
                'http://forum.example',
                'https://FORUM.example',
                'forum.example',
                '*'
            ]) {
                await expectRefused({ resource }, 'invalid_target');
            }
            const query = new URLSearchParams(parametersOf(app)).toString();
            const mixed = await authorize(forum, FRIGG, `${query}&resource=${ISSUER}&resource=https://other.example`);
            expect(answered(mixed)).to.include({ error: 'invalid_target', state: 'the state' });
        });

        it('lands in the audience of the token', async () => {
            const host = await forum.another({ audience: 'https://api.forum.example' });
            const begun = await obtainCode(host, app, { resource: 'https://api.forum.example/' });
            const { body } = await redeem(host, begun, { resource: 'https://api.forum.example' });
            expect(claimsOf(body.access_token).aud).to.equal('https://api.forum.example');
            const issuer = await authorize(host, FRIGG, parametersOf(app, { resource: ISSUER }));
            expect(answered(issuer).error).to.equal('invalid_target');
        });
    });

    describe('its scope', () => {
        it('is shown as asked for, and less what the person lacks', async () => {
            expect(await shown('CREATE_POST openid READ_PUBLISHED_THREADS openid')).to.include({
                requested_scopes: ['CREATE_POST', 'openid', 'READ_PUBLISHED_THREADS'],
                granted_scopes: ['CREATE_POST', 'openid', 'READ_PUBLISHED_THREADS'],
                inherits_user_permissions: false
            });
            const member = forum.addAccount(['USE_OAUTH_CLIENTS', 'CREATE_POST']);
            expect(await shown('READ_PUBLISHED_THREADS email CREATE_POST', app, member)).to.include({
                requested_scopes: ['READ_PUBLISHED_THREADS', 'email', 'CREATE_POST'],
                granted_scopes: ['email', 'CREATE_POST']
            });
            const poor = forum.addAccount(['USE_OAUTH_CLIENTS']);
            expect((await shown('CREATE_POST', app, poor)).granted_scopes).to.equal([]);
        });

        it('may be none, and grants none', async () => {
            expect(await shown(null)).to.include({ requested_scopes: [], granted_scopes: [] });
        });

        it('has known names only', async () => {
            for (const scope of [
                'NO_SUCH',
                'openid NO_SUCH',
                'OPENID',
                'create_post',
                'openid "x"',
                'a\\b',
                'é',
                '*'
            ]) {
                await expectRefused({ scope }, 'invalid_scope');
            }
        });

        it('leaves out what the client is not allowed, as long as something is left', async () => {
            expect(await shown('openid READ_PROFILE CREATE_POST')).to.include({
                requested_scopes: ['openid', 'READ_PROFILE', 'CREATE_POST'],
                granted_scopes: ['openid', 'CREATE_POST']
            });
            await expectRefused({ scope: 'READ_PROFILE' }, 'invalid_scope');
            await expectRefused({ scope: 'READ_PROFILE MANAGE_POSTS' }, 'invalid_scope');
        });

        it('has openid only where the client is allowed it', async () => {
            const plain = await createApp(forum, { allowed_scopes: ['profile', 'CREATE_POST'] });
            await expectRefused({ scope: 'openid CREATE_POST' }, 'invalid_scope', plain);
            expect((await shown('profile email CREATE_POST', plain)).granted_scopes).to.equal([
                'profile',
                'CREATE_POST'
            ]);
        });

        it('takes the wildcard for itself', async () => {
            await expectRefused({ scope: 'ADMINISTRATOR' }, 'invalid_scope');
            const powerful = await createApp(forum, { allowed_scopes: ['openid', 'ADMINISTRATOR'] }, ODIN);
            expect((await shown('ADMINISTRATOR MANAGE_POSTS', powerful, ODIN)).granted_scopes).to.equal([
                'ADMINISTRATOR',
                'MANAGE_POSTS'
            ]);
            expect((await shown('ADMINISTRATOR CREATE_POST', powerful)).granted_scopes).to.equal(['CREATE_POST']);
        });

        it('is for an inheriting client all that the person holds, unless it asks for permissions', async () => {
            const inheriting = await createApp(forum);
            await changeApp(forum.dataSource, inheriting, { scopePolicy: 'inherit' });
            const held = ['CREATE_POST', 'READ_PUBLISHED_THREADS', 'CREATE_REACTION', 'READ_PROFILE'];
            expect(await shown('openid offline_access', inheriting)).to.include({
                requested_scopes: ['openid', 'offline_access'],
                granted_scopes: ['openid', 'offline_access', ...held, 'USE_OAUTH_CLIENTS'],
                inherits_user_permissions: true
            });
            expect(await shown(null, inheriting, ODIN)).to.include({
                granted_scopes: ['ADMINISTRATOR'],
                inherits_user_permissions: true
            });
            expect(await shown('CREATE_POST READ_PROFILE', inheriting)).to.include({
                granted_scopes: ['CREATE_POST'],
                inherits_user_permissions: false
            });
            await expectRefused({ scope: 'READ_PROFILE' }, 'invalid_scope', inheriting);

            await changeApp(forum.dataSource, inheriting, { allowedScopes: 'profile' });
            await expectRefused({ scope: 'openid' }, 'invalid_scope', inheriting);
            expect((await shown('profile email', inheriting)).granted_scopes).to.equal([
                'profile',
                ...held,
                'USE_OAUTH_CLIENTS'
            ]);
        });
    });

    describe('its prompt', () => {
        it('may be consent, for the person is always asked', async () => {
            await expectBegun({ prompt: 'consent' });
            expect((await redeem(forum, await obtainCode(forum, app))).status).to.equal(200);
            await expectBegun({});
        });

        it('may be none, which never succeeds, and goes with no other', async () => {
            await expectRefused({ prompt: 'none' }, 'consent_required');
            for (const prompt of ['none login', 'consent none', 'none none']) {
                await expectRefused({ prompt }, 'invalid_request');
            }
        });

        it('none is told of a fault of the request rather than that consent is needed', async () => {
            await expectRefused({ prompt: 'none', response_type: 'token' }, 'unsupported_response_type');
            await expectRefused({ prompt: 'none', scope: 'NO_SUCH' }, 'invalid_scope');
        });
    });

    it('has a max_age that is a number of seconds', async () => {
        for (const age of ['-1', '1.5', 'x', '1e3', ' 1', '0x10', '９']) {
            await expectRefused({ max_age: age }, 'invalid_request');
        }
    });

    describe('that demands a sign-in', () => {
        /** When the person of the session signed in, epoch seconds. */
        let signedIn: number | undefined;
        let host: Forum;

        before(async () => {
            const session = { strategy: 'session', authTime: () => signedIn } as unknown as Options['session'];
            host = await forum.another({ session });
        });

        after(() => host.stop());

        function now(): number {
            return Math.floor(host.now / 1000);
        }

        async function demand(changes: Changes, accountId: string | null = FRIGG): Promise<string> {
            const answer = await authorize(host, accountId, parametersOf(app, changes));
            expect(answer.status).to.equal(303);
            return answer.headers.location!;
        }

        /** Comes back from the sign-in page. */
        async function comeBack(page: string, accountId: string | null = FRIGG): Promise<string> {
            expect(page).to.startWith(LOGIN);
            const returnTo = new URL(page).searchParams.get('return_to')!;
            const answer = await authorize(host, accountId, returnTo.slice(returnTo.indexOf('?') + 1));
            return answer.headers.location!;
        }

        const errorOf = (location: string): string | null => new URL(location).searchParams.get('error');

        it('is login_required where the host does not tell when the person signed in', async () => {
            await expectRefused({ prompt: 'login' }, 'login_required');
            await expectRefused({ prompt: 'login consent' }, 'login_required');
            await expectRefused({ max_age: '0' }, 'login_required');
            await expectRefused({ max_age: '999999999' }, 'login_required');
            for (const broken of [undefined, NaN, Infinity]) {
                signedIn = broken;
                expect(errorOf(await demand({ max_age: '100' }))).to.equal('login_required');
            }
        });

        it('by prompt=login leads to the sign-in page however fresh the session is, and back once', async () => {
            signedIn = now();
            const page = await demand({ prompt: 'login', state: 'x y' });
            host.pass(30);
            signedIn = now();
            expect(await comeBack(page)).to.startWith(CONSENT);
            const again = await demand({ prompt: 'login' });
            expect(again).to.startWith(LOGIN);
        });

        it('by prompt=login without a session is content with one sign-in', async () => {
            const page = await demand({ prompt: 'login' }, null);
            host.pass(5);
            signedIn = now();
            expect(await comeBack(page)).to.startWith(CONSENT);
        });

        it('by max_age leads to the sign-in page when the session is older', async () => {
            signedIn = now() - 100;
            expect(await demand({ max_age: '101' })).to.startWith(CONSENT);
            expect(await demand({ max_age: '100' })).to.startWith(LOGIN);
            const page = await demand({ max_age: '99' });
            host.pass(20);
            signedIn = now();
            expect(await comeBack(page)).to.startWith(CONSENT);
        });

        it('by max_age=0 is content with one sign-in, with and without a session before', async () => {
            for (const accountId of [FRIGG, null]) {
                signedIn = now();
                host.pass(1);
                const page = await demand({ max_age: '0' }, accountId);
                host.pass(3);
                signedIn = now();
                host.pass(2);
                expect(await comeBack(page)).to.startWith(CONSENT);
            }
        });

        it('ends with login_required when the person comes back without having signed in', async () => {
            const demands: Changes[] = [{ prompt: 'login' }, { max_age: '10' }];
            for (const changes of demands) {
                signedIn = now() - 1000;
                const page = await demand(changes);
                host.pass(1);
                const location = await comeBack(page);
                expect(location).to.startWith(`${REDIRECT_URI}?`);
                expect(errorOf(location)).to.equal('login_required');
                expect(new URL(location).searchParams.get('state')).to.equal('the state');
            }
        });

        it('is demanded anew when the person comes back much later', async () => {
            signedIn = now();
            const page = await demand({ prompt: 'login' });
            host.pass(2);
            signedIn = now();
            host.pass(15 * 60);
            const anew = await comeBack(page);
            expect(anew).to.startWith(LOGIN);
            host.pass(2);
            signedIn = now();
            expect(await comeBack(anew)).to.startWith(CONSENT);
        });

        it('is not fooled by a time that a link made up', async () => {
            signedIn = now() - 1000;
            for (const time of ['0', '1', 'x', '-1', String(now() + 1000), '1e99']) {
                expect(await demand({ prompt: 'login', login_after: time }), time).to.startWith(LOGIN);
            }
        });

        it('is login_required with prompt=none', async () => {
            signedIn = now() - 100;
            const location = await demand({ prompt: 'none', max_age: '50' });
            expect(errorOf(location)).to.equal('login_required');
            expect(errorOf(await demand({ prompt: 'none', max_age: '500' }))).to.equal('consent_required');
        });

        it('is refused for its faults before the person has to sign in again', async () => {
            expect(errorOf(await demand({ prompt: 'login', response_type: 'token' }))).to.equal(
                'unsupported_response_type'
            );
            expect(errorOf(await demand({ prompt: 'login', scope: 'NO_SUCH' }))).to.equal('invalid_scope');
        });
    });

    it('of the built-in client has nowhere to go', async () => {
        const { status, body } = await ask({ client_id: CLI.client_id });
        expect([status, body.error]).to.equal([400, 'invalid_request']);
    });
});
