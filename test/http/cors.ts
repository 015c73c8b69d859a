import { expect } from '@hapi/code';
import type { RouteOptionsCors, ServerInjectResponse } from '@hapi/hapi';
import * as Lab from '@hapi/lab';
import { Forum, FRIGG, ISSUER, openDatabase } from '../support/forum';
import { useDatabase } from '../support/setup';

const lab = Lab.script();
export { lab };
const { after, before, describe, it } = lab;

const ELSEWHERE = 'https://elsewhere.example';
const APP = 'https://app.forum.example';

/** Endpoints that read no cookie, open to any page. */
const OPEN: [string, string][] = [
    ['GET', '/.well-known/openid-configuration'],
    ['GET', '/.well-known/oauth-authorization-server'],
    ['GET', '/api/oauth/jwks'],
    ['POST', '/api/oauth/token'],
    ['POST', '/api/oauth/device_authorization'],
    ['POST', '/api/oauth/revoke'],
    ['GET', '/api/oauth/userinfo'],
    ['POST', '/api/oauth/userinfo']
];

/** Endpoints that need the session, open to the forum's own pages only. */
const SESSION: [string, string][] = [
    ['GET', '/api/auth/oauth/clients'],
    ['POST', '/api/auth/oauth/clients'],
    ['GET', '/api/auth/oauth/clients/x'],
    ['PATCH', '/api/auth/oauth/clients/x'],
    ['DELETE', '/api/auth/oauth/clients/x'],
    ['POST', '/api/auth/oauth/clients/x/secret'],
    ['GET', '/api/auth/oauth/tokens'],
    ['DELETE', '/api/auth/oauth/tokens'],
    ['DELETE', '/api/auth/oauth/tokens/x'],
    ['GET', '/api/oauth/device/consent'],
    ['POST', '/api/oauth/device/consent'],
    ['GET', '/api/oauth/authorize/consent'],
    ['POST', '/api/oauth/authorize/consent']
];

const HOSTS: [string, boolean | RouteOptionsCors | undefined][] = [
    ['says nothing of CORS', undefined],
    ['turns CORS off', false],
    ['turns CORS on', true],
    [
        'allows an origin of its own with credentials and headers of its own',
        {
            origin: ['https://host.example'],
            credentials: true,
            headers: ['X-Host'],
            additionalHeaders: ['X-Other'],
            exposedHeaders: ['X-Shown'],
            additionalExposedHeaders: ['X-Also-Shown']
        }
    ],
    ['ignores origins', { origin: 'ignore' }]
];

const list = (header: string | string[] | number | undefined): string[] =>
    String(header ?? '')
        .toLowerCase()
        .split(/\s*,\s*/)
        .filter((name) => name !== '')
        .sort();

/** What a browser lets a page of `origin` see of a response. */
function isReadable({ headers }: ServerInjectResponse, origin: string): boolean {
    return headers['access-control-allow-origin'] === origin || headers['access-control-allow-origin'] === '*';
}

for (const [text, cors] of HOSTS) {
    describe(`on a host that ${text}`, () => {
        const database = useDatabase(lab, 'embedded');
        let forum: Forum;

        before(async () => {
            forum = await Forum.create(
                database.dataSource,
                { session: { strategy: 'session', origins: [APP, ISSUER] } },
                '/api',
                cors === undefined ? {} : { server: { routes: { cors } } }
            );
        });

        after(async () => {
            await forum.stop();
        });

        const preflight = (method: string, url: string, origin: string, headers: string) =>
            forum.server.inject({
                method: 'OPTIONS',
                url,
                headers: {
                    origin,
                    'access-control-request-method': method,
                    ...(headers !== '' && { 'access-control-request-headers': headers })
                }
            });

        it('any page can use the endpoints without cookies, and see errors', async () => {
            for (const [method, url] of OPEN) {
                for (const origin of [ELSEWHERE, ISSUER, 'null', 'http://localhost:5173']) {
                    const answer = await forum.server.inject({ method, url, headers: { origin } });
                    expect([200, 400, 401], url).to.include(answer.statusCode);
                    expect(isReadable(answer, origin), `${url} ${origin}`).to.be.true();
                    expect(answer.headers['access-control-allow-credentials'], url).to.be.undefined();
                    expect(list(answer.headers['access-control-expose-headers']), url).to.equal([
                        'retry-after',
                        'www-authenticate'
                    ]);
                }
            }
        });

        it('any page can send a preflight to them', async () => {
            for (const [method, url] of OPEN) {
                for (const headers of ['authorization', 'content-type', 'authorization,content-type', '']) {
                    const answer = await preflight(method, url, ELSEWHERE, headers);
                    expect([200, 204], url).to.include(answer.statusCode);
                    expect(isReadable(answer, ELSEWHERE), `${url} ${headers}`).to.be.true();
                    expect(list(answer.headers['access-control-allow-methods'])).to.include(method.toLowerCase());
                    expect(list(answer.headers['access-control-allow-headers'])).to.include([
                        'authorization',
                        'content-type'
                    ]);
                    expect(answer.headers['access-control-allow-credentials']).to.be.undefined();
                }
                const foreign = await preflight(method, url, ELSEWHERE, 'x-host');
                expect(isReadable(foreign, ELSEWHERE), url).to.be.false();
            }
        });

        it('a page of an allowed origin can use the session, and see errors', async () => {
            for (const [method, url] of SESSION) {
                for (const origin of [APP, ISSUER]) {
                    const nobody = await forum.server.inject({ method, url, headers: { origin } });
                    expect(nobody.statusCode, url).to.equal(401);
                    const headers = { origin, cookie: `session=${FRIGG}` };
                    const answer = await forum.server.inject({ method, url, headers });
                    expect([200, 400, 404], url).to.include(answer.statusCode);
                    for (const { headers: given } of [nobody, answer]) {
                        expect(given['access-control-allow-origin'], url).to.equal(origin);
                        expect(given['access-control-allow-credentials'], url).to.equal('true');
                        expect(list(given.vary), url).to.include('origin');
                        expect(list(given['access-control-expose-headers'])).to.equal(['retry-after']);
                    }
                    const asked = await preflight(method, url, origin, 'content-type');
                    expect(asked.headers['access-control-allow-origin'], url).to.equal(origin);
                    expect(asked.headers['access-control-allow-credentials'], url).to.equal('true');
                    expect(list(asked.headers['access-control-allow-headers'])).to.include('content-type');
                    expect(list(asked.headers['access-control-allow-headers'])).to.not.include('authorization');
                }
            }
        });

        it('a page of another origin cannot', async () => {
            for (const [method, url] of SESSION) {
                for (const origin of [ELSEWHERE, 'null', 'https://host.example', `${APP}.evil.example`, `${APP}:444`]) {
                    const headers = { origin, cookie: `session=${FRIGG}` };
                    const answers = [
                        await forum.server.inject({ method, url, headers }),
                        await preflight(method, url, origin, 'content-type')
                    ];
                    for (const answer of answers) {
                        expect(answer.headers['access-control-allow-origin'], `${url} ${origin}`).to.be.undefined();
                        expect(answer.headers['access-control-allow-credentials'], url).to.be.undefined();
                    }
                }
            }
        });

        it('no page can use the authorization endpoint', async () => {
            const url = '/api/oauth/authorize?client_id=x';
            for (const origin of [ELSEWHERE, APP, ISSUER]) {
                for (const answer of [
                    await forum.server.inject({ url, headers: { origin } }),
                    await preflight('GET', url, origin, '')
                ]) {
                    expect(answer.headers['access-control-allow-origin']).to.be.undefined();
                }
            }
        });
    });
}

describe('a forum whose frontend is on its own origin only', () => {
    it('can allow no other origin to use the session', async () => {
        const database = await openDatabase('embedded');
        const forum = await Forum.create(database.dataSource, { session: { strategy: 'session', origins: [] } });
        const url = '/api/auth/oauth/clients';
        const cookie = `session=${FRIGG}`;
        const own = await forum.server.inject({ url, headers: { cookie, origin: ISSUER } });
        expect(own.statusCode).to.equal(200);
        const other = await forum.server.inject({ url, headers: { cookie, origin: ELSEWHERE } });
        expect(other.headers['access-control-allow-origin']).to.be.undefined();
        const written = await forum.server.inject({ method: 'POST', url, headers: { cookie, origin: ELSEWHERE } });
        expect(written.statusCode).to.equal(403);
        await forum.stop();
        await database.done();
    });

    it('lets the pages of its other urls use the session by default', async () => {
        const database = await openDatabase('embedded');
        const forum = await Forum.create(database.dataSource, { urls: { deviceConsent: `${APP}/device` } });
        const url = '/api/oauth/device/consent?user_code=AAAA-AAAA';
        for (const [origin, expected] of [
            [APP, 400],
            [ISSUER, 400],
            [ELSEWHERE, 403]
        ] as const) {
            const headers = { cookie: `session=${FRIGG}`, origin };
            expect((await forum.server.inject({ url, headers })).statusCode, origin).to.equal(expected);
        }
        await forum.stop();
        await database.done();
    });
});
