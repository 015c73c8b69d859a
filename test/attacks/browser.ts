import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { OAuthAuthorizationCode, OAuthAuthorizationRequest } from '../../entities';
import {
    authorize,
    beginRequest,
    createApp,
    decideRequest,
    locationOf,
    parametersOf,
    readRequest,
    type App,
    type Changes
} from '../support/authorization';
import { FRIGG, ISSUER, ODIN, type Answer } from '../support/forum';
import { useForum } from '../support/setup';

const lab = Lab.script();
export { lab };
const { before, describe, it } = lab;

const EVIL = 'https://evil.example';

describe('RFC 9700 §4, attacks through the browser', () => {
    const forum = useForum(lab);
    let app: App;

    before(async () => {
        app = await createApp(forum);
    });

    /** Every kind of answer that the authorization endpoint has. */
    async function answers(): Promise<Answer[]> {
        const requests: [string | null, Changes][] = [
            [FRIGG, {}],
            [FRIGG, { request: 'x' }],
            [FRIGG, { client_id: 'unknown' }],
            [FRIGG, { redirect_uri: EVIL }],
            [null, {}],
            [null, { prompt: 'none' }],
            ['nobody', {}]
        ];
        return Promise.all(
            requests.map(([accountId, changes]) => authorize(forum, accountId, parametersOf(app, changes)))
        );
    }

    it('§4.2.4: the referrer tells the next page nothing of the request, and no cache keeps it', async () => {
        for (const { headers } of await answers()) {
            expect(headers['referrer-policy']).to.equal('no-referrer');
            expect(headers['cache-control']).to.equal('no-store');
        }
    });

    it('§4.2.4: the consent page’s address holds neither state nor nonce nor code, and no code is there yet', async () => {
        const codes = await forum.dataSource.getRepository(OAuthAuthorizationCode).count();
        const changes = { state: 'secret-state', nonce: 'secret-nonce' };
        const location = locationOf(await authorize(forum, FRIGG, parametersOf(app, changes)));
        expect([...new URL(location).searchParams.keys()]).to.equal(['request_id']);
        expect(await forum.dataSource.getRepository(OAuthAuthorizationCode).count()).to.equal(codes);
    });

    it('§4.7, CSRF on consent: another site cannot decide with the person’s cookie', async () => {
        const requestId = await beginRequest(forum, app);
        const foreign: Record<string, string>[] = [
            { origin: EVIL },
            { origin: 'null' },
            { origin: 'https://app.example' },
            { 'sec-fetch-site': 'cross-site' },
            { 'sec-fetch-site': 'same-site' }
        ];
        for (const headers of foreign) {
            expect((await decideRequest(forum, FRIGG, requestId, 'approve', headers)).status).to.equal(403);
        }
        for (const type of ['application/x-www-form-urlencoded', 'text/plain', 'multipart/form-data; boundary=x']) {
            const { statusCode } = await forum.server.inject({
                method: 'POST',
                url: '/api/oauth/authorize/consent',
                headers: { cookie: `session=${FRIGG}`, 'content-type': type },
                payload: JSON.stringify({ request_id: requestId, decision: 'approve' })
            });
            expect(statusCode).to.equal(400);
        }
        const row = await forum.dataSource.getRepository(OAuthAuthorizationRequest).findOneByOrFail({ id: requestId });
        expect(row.decidedAt).to.be.null();
    });

    it('§4.7, CSRF on consent: a request that the attacker began cannot be approved by the victim', async () => {
        const requestId = await beginRequest(forum, app, {}, ODIN);
        expect((await readRequest(forum, FRIGG, requestId)).body.error).to.equal('invalid_request');
        expect((await decideRequest(forum, FRIGG, requestId)).body.error).to.equal('invalid_request');
        expect((await decideRequest(forum, ODIN, requestId)).status).to.equal(200);
    });

    it('§4.7, CSRF on consent: nothing is decided by following a link', async () => {
        const requestId = await beginRequest(forum, app);
        const query = `request_id=${requestId}&decision=approve`;
        await forum.as(FRIGG, 'GET', `/oauth/authorize/consent?${query}`);
        await authorize(forum, FRIGG, [...parametersOf(app), ['decision', 'approve'], ['request_id', requestId]]);
        const row = await forum.dataSource.getRepository(OAuthAuthorizationRequest).findOneByOrFail({ id: requestId });
        expect(row.decidedAt).to.be.null();
    });

    it('§4.11.2, open redirector: without a known client and its own redirect URI nobody is sent away', async () => {
        const requests: Changes[] = [
            { client_id: 'unknown', redirect_uri: EVIL },
            { client_id: null, redirect_uri: EVIL },
            { redirect_uri: EVIL },
            { redirect_uri: EVIL, request: 'x' },
            { redirect_uri: EVIL, prompt: 'none' }
        ];
        for (const accountId of [FRIGG, null, 'nobody']) {
            for (const changes of requests) {
                const { status, headers } = await authorize(forum, accountId, parametersOf(app, changes));
                expect([status, headers.location]).to.equal([400, undefined]);
            }
        }
    });

    it('§4.11.2, open redirector: the login detour leads back to a path of the forum, whatever the request says', async () => {
        const requests: [string, string][][] = [
            parametersOf(app),
            [...parametersOf(app), ['return_to', EVIL]],
            [...parametersOf(app), ['login_after', EVIL]],
            parametersOf(app, { state: EVIL, prompt: 'login' }),
            parametersOf(app, { state: `"><script src=${EVIL}>` })
        ];
        const headers = { host: 'evil.example', 'x-forwarded-host': 'evil.example', forwarded: 'host=evil.example' };
        for (const parameters of requests) {
            const page = new URL(locationOf(await authorize(forum, null, parameters, headers)));
            expect(page.origin + page.pathname).to.equal(`${ISSUER}/login`);
            expect([...page.searchParams.keys()]).to.equal(['return_to']);
            const returnTo = page.searchParams.get('return_to')!;
            expect(returnTo).to.match(/^\/api\/oauth\/authorize\?/);
            expect(new URL(returnTo, ISSUER).origin).to.equal(ISSUER);
        }
    });

    it('§4.11.2, open redirector: no path before the endpoint’s makes the way back another host', async () => {
        const query = new URLSearchParams(parametersOf(app)).toString();
        for (const path of [
            '//evil.example/api/oauth/authorize',
            '/\\evil.example/api/oauth/authorize',
            '/%2fevil.example/api/oauth/authorize',
            '/api//oauth/authorize',
            '/api/oauth/authorize/',
            '/evil/../api/oauth/authorize',
            '/api/oauth/%61uthorize'
        ]) {
            const { headers } = await forum.server.inject({ url: `${path}?${query}` });
            if (headers.location !== undefined) {
                const page = new URL(String(headers.location));
                expect(page.origin).to.equal(ISSUER);
                expect(page.searchParams.get('return_to'), path).to.match(/^\/api\/oauth\/(a|%61)uthorize\?/);
            }
        }
    });

    it('§4.12, 307 redirect: no redirect makes the browser send a form again', async () => {
        const redirects = (await answers()).filter(({ headers }) => headers.location !== undefined);
        expect(redirects.length).to.be.above(4);
        for (const { status } of redirects) {
            expect(status).to.equal(303);
        }
        // Where the person’s password could have been sent, nothing redirects at all.
        const decided = await decideRequest(forum, FRIGG, await beginRequest(forum, app));
        expect([decided.status, decided.headers.location]).to.equal([200, undefined]);
    });

    it('§4.17: the authorization endpoint is no page that another origin may read', async () => {
        const answer = await authorize(forum, FRIGG, parametersOf(app), { origin: 'https://app.example' });
        expect(answer.headers['access-control-allow-origin']).to.be.undefined();
        const token = await forum.form('/oauth/token', { grant_type: 'x' }, { origin: 'https://app.example' });
        expect(token.headers['access-control-allow-credentials']).to.be.undefined();
    });
});
