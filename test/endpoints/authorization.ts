import * as Boom from '@hapi/boom';
import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { OAuthAuthorizationRequest } from '../../entities/index';
import {
    answered,
    authorize,
    beginRequest,
    changeApp,
    countRows,
    createApp,
    locationOf,
    parametersOf,
    REDIRECT_URI,
    type App,
    type Changes
} from '../support/authorization';
import { Forum, FRIGG, ISSUER, LOKI, type Answer, type Host } from '../support/forum';
import { useDatabase, useForum } from '../support/setup';

const lab = Lab.script();
export { lab };
const { before, describe, it } = lab;

const LOGIN = `${ISSUER}/login`;

/** A strategy that redirects every request without a session to a page of its own, whatever the mode of the route. */
const redirecting: Host = {
    prepare: (server) => {
        server.auth.scheme('redirecting', () => ({
            authenticate: (request, h) => {
                const accountId = (request.state as Record<string, string | undefined>).session;
                return accountId === undefined
                    ? h.response().redirect('/elsewhere').takeover()
                    : h.authenticated({ credentials: { accountId } });
            }
        }));
        server.auth.strategy('redirecting', 'redirecting');
    }
};

/** A strategy whose store is out of reach. */
const failing: Host = {
    prepare: (server) => {
        server.auth.scheme('failing', () => ({
            authenticate: (_request, h) => h.unauthenticated(Boom.serverUnavailable('The session store is down'))
        }));
        server.auth.strategy('failing', 'failing');
    }
};

describe('GET /oauth/authorize', () => {
    const database = useDatabase(lab);
    const forum = useForum(lab, { database });
    let app: App;

    before(async () => {
        app = await createApp(forum, { redirect_uris: [REDIRECT_URI, 'com.example.app:/cb'] });
    });

    /** The path of this server that the sign-in page returns to. */
    function wayBack(answer: Answer): URL {
        const page = new URL(answer.headers.location!);
        expect(page.origin + page.pathname).to.equal(LOGIN);
        const returnTo = page.searchParams.get('return_to')!;
        expect(returnTo).to.match(/^\/api\/oauth\/authorize\?/);
        return new URL(returnTo, ISSUER);
    }

    function expectShown(answer: Answer, error: string): void {
        expect(answer.status, answer.headers.location).to.equal(400);
        expect(answer.headers.location).to.be.undefined();
        expect(String(answer.headers['content-type'])).to.startWith('application/json');
        expect(answer.body).to.equal({ error, error_description: answer.body.error_description });
        expect(answer.body.error_description).to.be.a.string();
        expectDiscreet(answer);
    }

    function expectDiscreet({ headers }: Answer): void {
        expect(headers['cache-control']).to.equal('no-store');
        expect(headers.pragma).to.equal('no-cache');
        expect(headers['referrer-policy']).to.equal('no-referrer');
    }

    describe('the first step, client and redirect URI,', () => {
        for (const [what, accountId] of [
            ['a signed-in person', FRIGG],
            ['a visitor without a session', null]
        ] as const) {
            it(`shows ${what} the error, and does not redirect`, async () => {
                const rows = await countRows(database.dataSource);
                const cases: [Changes, string][] = [
                    [{ client_id: null }, 'invalid_request'],
                    [{ client_id: '' }, 'invalid_request'],
                    [{ client_id: 'sdoak_unknown' }, 'invalid_client'],
                    [{ client_id: 'not a client id' }, 'invalid_client'],
                    [{ client_id: `${app.client_id} ` }, 'invalid_client'],
                    [{ client_id: app.client_id.toUpperCase() }, 'invalid_client'],
                    [{ redirect_uri: null }, 'invalid_request'],
                    [{ redirect_uri: '' }, 'invalid_request'],
                    [{ redirect_uri: 'https://evil.example/cb' }, 'invalid_request'],
                    [{ redirect_uri: '/cb' }, 'invalid_request']
                ];
                for (const [changes, error] of cases) {
                    for (const prompt of [null, 'none', 'login']) {
                        expectShown(
                            await authorize(forum, accountId, parametersOf(app, { ...changes, prompt })),
                            error
                        );
                    }
                }
                expect(await countRows(database.dataSource)).to.equal(rows);
            });
        }

        it('shows the error where one of them is repeated, even with the same value', async () => {
            for (const name of ['client_id', 'redirect_uri']) {
                const parameters = parametersOf(app);
                const again = parameters.find(([given]) => given === name)!;
                expectShown(await authorize(forum, FRIGG, [...parameters, again]), 'invalid_request');
                expectShown(await authorize(forum, null, [...parameters, [name, '']]), 'invalid_request');
            }
        });

        it('shows the error where the query is not UTF-8', async () => {
            const query = new URLSearchParams(parametersOf(app)).toString();
            for (const bad of ['%ff', '%', '%zz', '%c0%af', '%ed%a0%80']) {
                expectShown(await authorize(forum, FRIGG, `${query}&x=${bad}`), 'invalid_request');
            }
        });

        it('shows the error where the client was deleted or is no longer built in', async () => {
            const gone = await createApp(forum);
            await forum.as(FRIGG, 'DELETE', `/auth/oauth/clients/${gone.id}`);
            expectShown(await authorize(forum, FRIGG, parametersOf(gone)), 'invalid_client');

            await changeApp(database.dataSource, gone, { deletedAt: null, source: 'first_party' });
            expectShown(await authorize(forum, FRIGG, parametersOf(gone)), 'invalid_client');
        });

        it('shows the error for the built-in client, which has no redirect URI', async () => {
            const builtIn = { ...app, client_id: 'storyden-cli' };
            expectShown(await authorize(forum, FRIGG, parametersOf(builtIn)), 'invalid_request');
        });

        it('comes before a session that cannot be read', async () => {
            const host = await Forum.create(database.dataSource, { session: { strategy: 'failing' } }, '/api', failing);
            expectShown(await authorize(host, FRIGG, parametersOf(app, { client_id: 'x' })), 'invalid_client');
            await host.stop();
        });

        it('comes first also where the host’s strategy would redirect', async () => {
            const host = await Forum.create(
                database.dataSource,
                { session: { strategy: 'redirecting' } },
                '/api',
                redirecting
            );
            expectShown(await authorize(host, null, parametersOf(app, { client_id: 'x' })), 'invalid_client');
            const evil = { redirect_uri: 'https://evil.example' };
            expectShown(await authorize(host, null, parametersOf(app, evil)), 'invalid_request');
            await host.stop();
        });
    });

    describe('the second step, the session,', () => {
        it('does not depend on the Host header', async () => {
            const headers = { host: 'no host' };
            const asked = await authorize(forum, FRIGG, parametersOf(app), headers);
            expect(locationOf(asked)).to.startWith(`${ISSUER}/oauth/authorize/consent?request_id=`);
            const [sent, usual] = await Promise.all(
                [headers, {}].map((each) => authorize(forum, null, parametersOf(app, { code_challenge: 'x' }), each))
            );
            expect(locationOf(sent!)).to.equal(locationOf(usual!));
        });

        it('redirects a visitor without a session to the sign-in page, with the way back', async () => {
            const parameters = parametersOf(app, { state: 'a&b=c d+é', nonce: 'n', resource: ISSUER });
            const answer = await authorize(forum, null, parameters);
            expect(answer.status).to.equal(303);
            expectDiscreet(answer);
            const back = wayBack(answer);
            expect(back.pathname).to.equal('/api/oauth/authorize');
            expect([...back.searchParams]).to.equal(parameters);

            const returned = await authorize(forum, FRIGG, back.search.slice(1));
            expect(locationOf(returned)).to.startWith(`${ISSUER}/oauth/authorize/consent?request_id=`);
        });

        it('adds nothing to the way back where the host does not tell the time of a sign-in', async () => {
            const demands: Changes[] = [{ prompt: 'login' }, { max_age: '60' }];
            for (const changes of demands) {
                const parameters = parametersOf(app, changes);
                const back = wayBack(await authorize(forum, null, parameters));
                expect([...back.searchParams]).to.equal(parameters);
            }
        });

        it('comes before all other parameters, however wrong they are', async () => {
            const requests: Changes[] = [
                { response_type: null },
                { code_challenge: null },
                { scope: 'NO_SUCH_SCOPE' },
                { request: 'x' },
                { resource: 'https://other.example' },
                { response_mode: 'fragment' }
            ];
            for (const changes of requests) {
                wayBack(await authorize(forum, null, parametersOf(app, changes)));
            }
            wayBack(await authorize(forum, null, [...parametersOf(app), ['state', 'again']]));
        });

        it('leaves the host of the request line out of the way back', async () => {
            const query = new URLSearchParams(parametersOf(app)).toString();
            const response = await forum.server.inject({
                url: `http://evil.example/api/oauth/authorize?${query}`,
                headers: { host: 'evil.example', 'x-forwarded-host': 'evil.example' }
            });
            const location = String(response.headers.location);
            expect(location).to.startWith(`${LOGIN}?return_to=%2Fapi%2Foauth%2Fauthorize%3F`);
            expect(location).to.not.include('evil');
        });

        it('keeps the query of the sign-in page', async () => {
            const host = await Forum.create(database.dataSource, {
                urls: { login: 'https://www.forum.example/sign-in?theme=dark' }
            });
            const page = new URL((await authorize(host, null, parametersOf(app))).headers.location!);
            expect(page.origin + page.pathname).to.equal('https://www.forum.example/sign-in');
            expect(page.searchParams.get('theme')).to.equal('dark');
            expect(String(page.searchParams.get('return_to'))).to.startWith('/api/oauth/authorize?');
            await host.stop();
        });

        it('redirects prompt=none to the redirect URI with an error', async () => {
            const answer = await authorize(forum, null, parametersOf(app, { prompt: 'none' }));
            expect(answer.status).to.equal(303);
            expect(locationOf(answer)).to.startWith(`${REDIRECT_URI}?`);
            expect(answered(answer)).to.include({ error: 'login_required', state: 'the state', iss: ISSUER });
            expectDiscreet(answer);
        });

        it('uses urls.login where the host’s strategy would redirect by itself', async () => {
            const host = await Forum.create(
                database.dataSource,
                { session: { strategy: 'redirecting' } },
                '/api',
                redirecting
            );
            const answer = await authorize(host, null, parametersOf(app));
            wayBack(answer);
            expectDiscreet(answer);
            const silent = await authorize(host, null, parametersOf(app, { prompt: 'none' }));
            expect(answered(silent)).to.include({ error: 'login_required', state: 'the state' });
            expectDiscreet(silent);
            const begun = await authorize(host, FRIGG, parametersOf(app));
            expect(locationOf(begun)).to.startWith(`${ISSUER}/oauth/authorize/consent?`);
            await host.stop();
        });

        it('redirects with an error when the session cannot be read', async () => {
            const host = await Forum.create(database.dataSource, { session: { strategy: 'failing' } }, '/api', failing);
            const answer = await authorize(host, FRIGG, parametersOf(app));
            expect(answer.status, answer.text).to.equal(303);
            expect(answered(answer)).to.include({ error: 'temporarily_unavailable', state: 'the state', iss: ISSUER });
            expect(answer.headers.location).to.not.include('store');
            await host.stop();
        });

        it('does not accept an access token', async () => {
            const { access_token: token } = await forum.signIn(FRIGG);
            const headers = { authorization: `Bearer ${token}` };
            wayBack(await authorize(forum, null, parametersOf(app), headers));
        });
    });

    describe('the third step, the account,', () => {
        it('redirects with access_denied for an account that may not act, before all other parameters', async () => {
            const requests: Changes[] = [{}, { prompt: 'none' }, { response_type: null }, { request: 'x' }];
            for (const changes of requests) {
                const answer = await authorize(forum, 'nobody-we-know', parametersOf(app, changes));
                expect(answered(answer)).to.include({ error: 'access_denied', state: 'the state', iss: ISSUER });
            }
        });

        it('redirects with access_denied for an account that may not approve, before all other parameters', async () => {
            const requests: Changes[] = [{}, { prompt: 'none' }, { scope: 'NO_SUCH_SCOPE' }, { code_challenge: null }];
            for (const changes of requests) {
                const answer = await authorize(forum, LOKI, parametersOf(app, changes));
                expect(answered(answer)).to.include({ error: 'access_denied', state: 'the state', iss: ISSUER });
            }
        });

        it('redirects with an error when accounts.find is unavailable or fails', async () => {
            let failure: Error = Object.assign(new Error('The secret pool is empty'), { code: 'POOL_ENQUEUELIMIT' });
            const host = await Forum.create(database.dataSource, {
                accounts: { find: () => Promise.reject(failure) }
            });
            const unavailable = await authorize(host, FRIGG, parametersOf(app));
            expect(answered(unavailable)).to.include({ error: 'temporarily_unavailable', state: 'the state' });
            failure = new Error('The secret mistake');
            const failed = await authorize(host, FRIGG, parametersOf(app));
            expect(answered(failed)).to.include({ error: 'server_error', state: 'the state', iss: ISSUER });
            expect(unavailable.headers.location! + failed.headers.location!).to.not.include('secret');
            expect(host.log.join('\n')).to.include('The secret mistake');
            await host.stop();
        });
    });

    describe('the redirect with an error', () => {
        it('has the error with its description, the state and the issuer, and nothing else', async () => {
            const answer = await authorize(forum, FRIGG, parametersOf(app, { response_type: 'token' }));
            expect(answer.status).to.equal(303);
            const { error_description: description, ...rest } = answered(answer);
            expect(rest).to.equal({ error: 'unsupported_response_type', state: 'the state', iss: ISSUER });
            expect(description).to.match(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/);
            expectDiscreet(answer);
        });

        it('has no state where the request has none, an empty one or two', async () => {
            const without = await authorize(forum, FRIGG, parametersOf(app, { request: 'x', state: null }));
            expect(Object.keys(answered(without)).sort()).to.equal(['error', 'error_description', 'iss']);
            const empty = await authorize(forum, FRIGG, parametersOf(app, { request: 'x', state: '' }));
            expect(Object.keys(answered(empty)).sort()).to.equal(['error', 'error_description', 'iss']);
            const twice = await authorize(forum, FRIGG, [...parametersOf(app), ['state', 'another']]);
            expect(answered(twice)).to.include({ error: 'invalid_request', iss: ISSUER });
            expect(answered(twice).state).to.be.undefined();
        });

        it('returns any state exactly', async () => {
            for (const state of ['&error=none#x?y=z', 'é 雪 😀', '%41+%20', '"\\<script>', ' ', 'a\tb']) {
                const answer = await authorize(forum, FRIGG, parametersOf(app, { request: 'x', state }));
                expect(answered(answer).state).to.equal(state);
                expect(answered(answer).error).to.equal('request_not_supported');
            }
        });

        it('adds parameters to the redirect URI and changes nothing else in it', async () => {
            for (const uri of [
                'com.example.app:/cb',
                'com.example.app:cb',
                'COM.Example.App:/CB',
                'com.example.app://Host/Path',
                'com.example.app:/a/../b/./c?x=%7e&y=%7E',
                'com.example.app:/cb?',
                'com.example.app:/cb?x=1&',
                'https://app.example',
                'https://app.example/',
                'https://app.example?x=y',
                'https://APP.example/a/../b',
                'https://app.example:443/cb',
                'https://app.example/cb?x=a+b&x=%20&y=%C3%A9&z',
                'https://app.example/(cb);v=1!$,@:~'
            ]) {
                const exact = await createApp(forum, { redirect_uris: [uri] });
                const answer = await authorize(forum, FRIGG, parametersOf(exact, { request: 'x' }));
                const separator = !uri.includes('?') ? '?' : /[?&]$/.test(uri) ? '' : '&';
                expect(locationOf(answer)).to.startWith(`${uri}${separator}error=request_not_supported&`);
            }
        });
    });

    it('redirects to the consent page, with a request of this account that lasts ten minutes', async () => {
        const requestId = await beginRequest(forum, app, { scope: 'openid CREATE_POST CREATE_POST', nonce: 'n-1' });
        const row = await database.dataSource
            .getRepository(OAuthAuthorizationRequest)
            .findOneByOrFail({ id: requestId });
        expect(row).to.include({
            oauthClientId: app.id,
            accountId: FRIGG,
            redirectUri: REDIRECT_URI,
            scope: 'openid CREATE_POST',
            state: 'the state',
            nonce: 'n-1',
            decidedAt: null
        });
        expect(Number(row.expiresAt)).to.equal(forum.now + 600_000);
        const answer = await authorize(forum, FRIGG, parametersOf(app));
        expect(answer.status).to.equal(303);
        expectDiscreet(answer);
    });

    it('keeps the query of the consent page', async () => {
        const host = await Forum.create(database.dataSource, {
            urls: { authorizationConsent: 'https://www.forum.example/allow?theme=dark' }
        });
        const location = locationOf(await authorize(host, FRIGG, parametersOf(app)));
        expect(location).to.match(/^https:\/\/www\.forum\.example\/allow\?theme=dark&request_id=[0-9a-v]{20}$/);
        await host.stop();
    });

    it('encodes the URL of the consent page for a header', async () => {
        const host = await Forum.create(database.dataSource, {
            urls: { authorizationConsent: 'https://www.forum.example/同意 page' }
        });
        const location = locationOf(await authorize(host, FRIGG, parametersOf(app)));
        expect(location).to.startWith('https://www.forum.example/%E5%90%8C%E6%84%8F%20page?request_id=');
        await host.stop();
    });

    it('allows no other origin, whatever the host’s default is', async () => {
        const host = await Forum.create(database.dataSource, {}, '/api', {
            server: { routes: { cors: { origin: ['*'], credentials: true } } }
        });
        for (const origin of ['https://app.example', ISSUER, 'null']) {
            const answer = await authorize(host, FRIGG, parametersOf(app), { origin });
            expect(answer.status).to.equal(303);
            const shown = await authorize(host, FRIGG, '', { origin });
            expect(shown.status).to.equal(400);
            const preflight = await host.as(null, 'OPTIONS', '/oauth/authorize', undefined, {
                origin,
                'access-control-request-method': 'GET'
            });
            for (const { headers } of [answer, shown, preflight]) {
                expect(Object.keys(headers).filter((name) => name.startsWith('access-control-'))).to.equal([]);
            }
        }
        await host.stop();
    });

    it('accepts a request from the page of any site, as that is where people come from', async () => {
        const answer = await authorize(forum, FRIGG, parametersOf(app), {
            'sec-fetch-site': 'cross-site',
            'sec-fetch-mode': 'navigate',
            referer: 'https://app.example/'
        });
        expect(locationOf(answer)).to.startWith(`${ISSUER}/oauth/authorize/consent?`);
    });
});
