import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { entities } from '../../plugin/index';
import { CLI, FRIGG, ISSUER, ODIN } from '../support/forum';
import { useDatabase, useForum } from '../support/setup';

const lab = Lab.script();
export { lab };
const { describe, it } = lab;

const APP = 'https://app.forum.example';

const REFUSED: Record<string, string>[] = [
    { origin: 'https://evil.example' },
    { origin: 'https://forum.example.evil.example' },
    { origin: 'https://evil-forum.example' },
    { origin: `${ISSUER}:444` },
    { origin: 'http://forum.example' },
    { origin: 'null' },
    { origin: `${ISSUER}/` },
    { origin: `${ISSUER}, https://evil.example` },
    { origin: 'https://evil.example', 'sec-fetch-site': 'same-origin' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'anything' },
    { 'sec-purpose': 'prefetch' },
    { 'sec-purpose': 'prefetch;prerender' },
    { 'sec-purpose': 'prefetch;anonymous-client-ip', origin: ISSUER },
    { 'sec-purpose': 'Prefetch', 'sec-fetch-site': 'same-origin' }
];

const ACCEPTED: Record<string, string>[] = [
    {},
    { origin: ISSUER },
    { origin: APP },
    { origin: ISSUER, 'sec-fetch-site': 'same-origin' },
    { origin: APP, 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'same-origin' },
    { 'sec-fetch-site': 'none' },
    { referer: 'https://evil.example/page' }
];

/** A request that changes something. */
interface Change {
    method: string;
    path: string;
    body?: unknown;
    shape: 'protocol' | 'management';
    status: number;
}

describe('a request that changes something with the cookie of a member', () => {
    const database = useDatabase(lab, 'embedded');
    const forum = useForum(lab, {
        database,
        options: () => ({
            session: { strategy: 'session', origins: [APP] }
        })
    });

    const newClient = {
        name: 'A bot',
        type: 'confidential',
        allowed_grants: ['client_credentials'],
        allowed_scopes: ['CREATE_POST']
    };

    const firstToken = async (): Promise<{ id: string; oauth_client_id: string }> => {
        await forum.signIn();
        return (await forum.as(FRIGG, 'GET', '/auth/oauth/tokens?status=active')).body.tokens[0];
    };

    const CHANGES: Record<string, () => Promise<Change>> = {
        'POST /auth/oauth/clients': async () => ({
            method: 'POST',
            path: '/auth/oauth/clients',
            body: newClient,
            shape: 'management',
            status: 200
        }),
        'PATCH /auth/oauth/clients/{id}': async () => ({
            method: 'PATCH',
            path: `/auth/oauth/clients/${(await forum.createClient(FRIGG, newClient)).client.id}`,
            body: { name: 'Another name' },
            shape: 'management',
            status: 200
        }),
        'DELETE /auth/oauth/clients/{id}': async () => ({
            method: 'DELETE',
            path: `/auth/oauth/clients/${(await forum.createClient(FRIGG, newClient)).client.id}`,
            shape: 'management',
            status: 204
        }),
        'POST /auth/oauth/clients/{id}/secret': async () => ({
            method: 'POST',
            path: `/auth/oauth/clients/${(await forum.createClient(FRIGG, newClient)).client.id}/secret`,
            shape: 'management',
            status: 200
        }),
        'DELETE /auth/oauth/tokens/{id}': async () => ({
            method: 'DELETE',
            path: `/auth/oauth/tokens/${(await firstToken()).id}`,
            shape: 'management',
            status: 204
        }),
        'DELETE /auth/oauth/tokens': async () => ({
            method: 'DELETE',
            path: `/auth/oauth/tokens?oauth_client_id=${(await firstToken()).oauth_client_id}`,
            shape: 'management',
            status: 204
        }),
        'GET /oauth/device/consent': async () => ({
            method: 'GET',
            path: `/oauth/device/consent?user_code=${(await forum.device()).user_code}`,
            shape: 'protocol',
            status: 200
        }),
        'POST /oauth/device/consent': async () => {
            const { user_code: code } = await forum.device();
            await forum.as(FRIGG, 'GET', `/oauth/device/consent?user_code=${code}`);
            return {
                method: 'POST',
                path: '/oauth/device/consent',
                body: { user_code: code, decision: 'approve' },
                shape: 'protocol',
                status: 200
            };
        },
        'POST /oauth/authorize/consent': async () => {
            const redirectUri = 'https://app.example/callback';
            const { client } = await forum.createClient(FRIGG, {
                allowed_grants: ['authorization_code'],
                allowed_scopes: ['openid'],
                redirect_uris: [redirectUri]
            });
            const query = new URLSearchParams({
                response_type: 'code',
                client_id: client.client_id,
                redirect_uri: redirectUri,
                scope: 'openid',
                code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
                code_challenge_method: 'S256'
            });
            const { headers } = await forum.as(FRIGG, 'GET', `/oauth/authorize?${query.toString()}`);
            const requestId = new URL(headers.location!).searchParams.get('request_id');
            return {
                method: 'POST',
                path: '/oauth/authorize/consent',
                body: { request_id: requestId, decision: 'approve' },
                shape: 'protocol',
                status: 200
            };
        }
    };

    /** All rows of all tables. */
    const contents = async (): Promise<string> => {
        const tables = await Promise.all(entities.map((entity) => database.dataSource.getRepository(entity).find()));
        return JSON.stringify(tables);
    };

    const make = ({ method, path, body }: Change, headers: Record<string, string>) =>
        forum.as(FRIGG, method, path, body, headers);

    it('is guarded at every endpoint', async () => {
        const routes = forum.server
            .table()
            .filter(
                ({ method, settings: { auth } }) => method !== 'get' && typeof auth === 'object' && auth.mode === 'try'
            );
        expect(routes.map(({ method, path }) => `${method.toUpperCase()} ${path.replace('/api', '')}`)).to.include(
            Object.keys(CHANGES).filter((name) => !name.startsWith('GET'))
        );
        for (const { method, path } of routes) {
            const at = path.replace('/api', '').replace('{id}', 'x');
            const refused = await forum.as(ODIN, method, at, undefined, { origin: 'https://evil.example' });
            expect(refused.status, `${method} ${path}`).to.equal(403);
            const own = await forum.as(ODIN, method, at, undefined, { origin: ISSUER });
            expect([400, 404], `${method} ${path}`).to.include(own.status);
        }
    });

    for (const [name, prepare] of Object.entries(CHANGES)) {
        it(`${name} is refused from other sites and for prefetches, and changes nothing`, async () => {
            const change = await prepare();
            const stored = await contents();
            const events = forum.events.length;
            for (const headers of REFUSED) {
                const answer = await make(change, headers);
                const text = `${JSON.stringify(headers)}: ${answer.text}`;
                expect(answer.status, text).to.equal(403);
                expect(answer.headers['cache-control']).to.equal('no-store');
                expect(answer.headers.pragma).to.equal('no-cache');
                if (change.shape === 'protocol') {
                    expect(Object.keys(answer.body)).to.equal(['error', 'error_description']);
                    expect(answer.body.error).to.equal('access_denied');
                } else {
                    expect(Object.keys(answer.body)).to.equal([
                        'error',
                        'message',
                        'error_description',
                        'suggested',
                        'metadata'
                    ]);
                    expect(answer.body.error).to.equal('forbidden');
                }
            }
            expect(await contents()).to.equal(stored);
            expect(forum.events.length).to.equal(events);
            // What was refused can still be done.
            const done = await make(change, { origin: ISSUER });
            expect(done.status, done.text).to.equal(change.status);
            expect(await contents()).to.not.equal(stored);
        });

        it(`${name} is accepted from the forum's own pages and from clients that are not browsers`, async () => {
            for (const headers of ACCEPTED) {
                const change = await prepare();
                const answer = await make(change, headers);
                expect(answer.status, `${JSON.stringify(headers)}: ${answer.text}`).to.equal(change.status);
            }
        });
    }

    it('does not claim the code when it is refused', async () => {
        const { user_code: code } = await forum.device();
        const path = `/oauth/device/consent?user_code=${code}`;
        for (const method of ['GET', 'HEAD']) {
            expect((await forum.as(FRIGG, method, path, undefined, { 'sec-purpose': 'prefetch' })).status).to.equal(
                403
            );
            expect(
                (await forum.as(FRIGG, method, path, undefined, { origin: 'https://evil.example' })).status
            ).to.equal(403);
        }
        const { status, body } = await forum.as(ODIN, 'GET', path);
        expect(status).to.equal(200);
        expect(body.client_id).to.equal(CLI.client_id);
    });

    it('does not count as a wrong code when it is refused', async () => {
        for (let attempt = 0; attempt < 30; ++attempt) {
            const path = '/oauth/device/consent?user_code=AAAA-AAAA';
            const { status } = await forum.as(FRIGG, 'GET', path, undefined, { origin: 'https://evil.example' });
            expect(status).to.equal(403);
        }
        const { user_code: code } = await forum.device();
        expect((await forum.as(FRIGG, 'GET', `/oauth/device/consent?user_code=${code}`)).status).to.equal(200);
    });

    it('is refused without a session too, so that the response does not tell whether there is one', async () => {
        const answer = await forum.as(null, 'POST', '/auth/oauth/clients', newClient, {
            origin: 'https://evil.example'
        });
        expect(answer.status).to.equal(403);
    });

    it('is refused where a request that only reads is not', async () => {
        for (const path of ['/auth/oauth/clients', '/auth/oauth/tokens']) {
            const answer = await forum.as(FRIGG, 'GET', path, undefined, { 'sec-fetch-site': 'cross-site' });
            expect(answer.status).to.equal(200);
        }
    });
});
