import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { OAuthAuthorizationRequest } from '../../entities/index';
import {
    beginRequest,
    bearer,
    countRows,
    createApp,
    decideRequest,
    readRequest,
    signInTo,
    type App
} from '../support/authorization';
import { Forum, FRIGG, ISSUER, type Answer } from '../support/forum';
import { useDatabase, useForum } from '../support/setup';

const lab = Lab.script();
export { lab };
const { before, describe, it } = lab;

const PATH = '/oauth/authorize/consent';
const FRONTEND = 'https://www.forum.example';

describe('/oauth/authorize/consent', () => {
    const database = useDatabase(lab);
    const forum = useForum(lab, { database, options: () => ({ urls: { authorizationConsent: `${FRONTEND}/allow` } }) });
    let app: App;

    before(async () => {
        app = await createApp(forum);
    });

    async function begin(accountId = FRIGG): Promise<string> {
        const host = await Forum.create(database.dataSource);
        const requestId = await beginRequest(host, app, {}, accountId);
        await host.stop();
        return requestId;
    }

    async function isDecided(id: string): Promise<boolean> {
        const row = await database.dataSource.getRepository(OAuthAuthorizationRequest).findOneByOrFail({ id });
        return row.decidedAt !== null;
    }

    function expectPrivate({ headers }: Answer): void {
        expect(headers['cache-control']).to.equal('no-store');
        expect(headers.pragma).to.equal('no-cache');
    }

    it('responds with JSON that is never cached, errors included', async () => {
        const requestId = await begin();
        for (const answer of [
            await readRequest(forum, FRIGG, requestId),
            await readRequest(forum, FRIGG, 'x'),
            await readRequest(forum, null, requestId),
            await decideRequest(forum, FRIGG, requestId, 'maybe'),
            await decideRequest(forum, null, requestId),
            await decideRequest(forum, FRIGG, requestId, 'approve', { origin: 'https://evil.example' }),
            await decideRequest(forum, FRIGG, requestId)
        ]) {
            expect(String(answer.headers['content-type']), String(answer.status)).to.startWith('application/json');
            expectPrivate(answer);
        }
    });

    it('needs a session', async () => {
        const requestId = await begin();
        for (const answer of [await readRequest(forum, null, requestId), await decideRequest(forum, null, requestId)]) {
            expect(answer.status).to.equal(401);
            expect(answer.body.error).to.equal('login_required');
            expect(answer.body.error_description).to.be.a.string();
            expect(answer.headers.location).to.be.undefined();
        }
        expect(await isDecided(requestId)).to.be.false();
    });

    it('responds 401, never cached, where the host’s strategy would redirect', async () => {
        const host = await Forum.create(database.dataSource, { session: { strategy: 'redirecting' } }, '/api', {
            prepare: (server) => {
                server.auth.scheme('redirecting', () => ({
                    authenticate: (_request, h) => h.response().redirect('/elsewhere').takeover()
                }));
                server.auth.strategy('redirecting', 'redirecting');
            }
        });
        for (const answer of [await readRequest(host, null, 'x'), await decideRequest(host, null, 'x')]) {
            expect([answer.status, answer.body.error]).to.equal([401, 'login_required']);
            expect(answer.headers.location).to.be.undefined();
            expectPrivate(answer);
        }
        await host.stop();
    });

    it('accepts no access token, whatever its scope', async () => {
        const requestId = await begin();
        const plain = await Forum.create(database.dataSource);
        const { access_token: token } = await signInTo(plain, app, { scope: 'openid' });
        for (const headers of [bearer(token), { cookie: `other=${token}` }]) {
            const read = await forum.as(null, 'GET', `${PATH}?request_id=${requestId}`, undefined, headers);
            const decided = await decideRequest(forum, null, requestId, 'approve', headers);
            expect([read.status, decided.status]).to.equal([401, 401]);
        }
        await plain.stop();
        expect(await isDecided(requestId)).to.be.false();
    });

    describe('a decision from another site', () => {
        const refused: Record<string, string>[] = [
            { origin: 'https://evil.example' },
            { origin: 'https://evil.example', 'sec-fetch-site': 'same-origin' },
            { origin: 'null' },
            { origin: '' },
            { origin: `${ISSUER}.evil.example` },
            { origin: `${ISSUER}:8443` },
            { origin: 'http://forum.example' },
            { origin: 'https://sub.forum.example' },
            { 'sec-fetch-site': 'cross-site' },
            { 'sec-fetch-site': 'same-site' },
            { 'sec-fetch-site': 'something-new' },
            { origin: ISSUER, 'sec-purpose': 'prefetch' },
            { 'sec-purpose': 'prefetch;prerender' }
        ];

        it('is refused, and decides nothing', async () => {
            const requestId = await begin();
            for (const headers of refused) {
                for (const decision of ['approve', 'deny']) {
                    const answer = await decideRequest(forum, FRIGG, requestId, decision, headers);
                    expect(answer.status, JSON.stringify(headers)).to.equal(403);
                    expect(answer.body.error).to.equal('access_denied');
                    expect(await isDecided(requestId)).to.be.false();
                }
            }
        });

        it('is refused before the session is read', async () => {
            const answer = await decideRequest(forum, null, 'x', 'approve', { origin: 'https://evil.example' });
            expect(answer.status).to.equal(403);
        });

        const allowed: Record<string, string>[] = [
            { origin: ISSUER },
            { origin: FRONTEND },
            { origin: FRONTEND, 'sec-fetch-site': 'same-site' },
            { 'sec-fetch-site': 'same-origin' },
            { 'sec-fetch-site': 'none' },
            {}
        ];
        for (const headers of allowed) {
            it(`is accepted with ${JSON.stringify(headers)}`, async () => {
                const requestId = await begin();
                const { status } = await decideRequest(forum, FRIGG, requestId, 'approve', headers);
                expect(status).to.equal(200);
                expect(await isDecided(requestId)).to.be.true();
            });
        }
    });

    it('can be read from any page, as reading changes nothing and the page cannot see the response', async () => {
        const requestId = await begin();
        const rows = await countRows(database.dataSource);
        const answer = await forum.as(FRIGG, 'GET', `${PATH}?request_id=${requestId}`, undefined, {
            origin: 'https://evil.example'
        });
        expect(answer.headers['access-control-allow-origin']).to.be.undefined();
        expect(await isDecided(requestId)).to.be.false();
        expect(await countRows(database.dataSource)).to.equal(rows);
    });

    it('lets the pages of session.origins see the responses, with the session', async () => {
        const requestId = await begin();
        const origin = FRONTEND;
        const preflight = await forum.as(null, 'OPTIONS', PATH, undefined, {
            origin,
            'access-control-request-method': 'POST',
            'access-control-request-headers': 'content-type'
        });
        const read = await forum.as(FRIGG, 'GET', `${PATH}?request_id=${requestId}`, undefined, { origin });
        const failed = await forum.as(FRIGG, 'GET', `${PATH}?request_id=x`, undefined, { origin });
        const decided = await decideRequest(forum, FRIGG, requestId, 'approve', { origin });
        for (const { headers } of [preflight, read, failed, decided]) {
            expect(headers['access-control-allow-origin']).to.equal(FRONTEND);
            expect(headers['access-control-allow-credentials']).to.equal('true');
        }
        expect(preflight.status).to.equal(200);
        const foreign = await forum.as(null, 'OPTIONS', PATH, undefined, {
            origin: 'https://evil.example',
            'access-control-request-method': 'POST'
        });
        expect(foreign.headers['access-control-allow-origin']).to.be.undefined();
    });

    it('accepts JSON only, which no form on another page can send', async () => {
        const requestId = await begin();
        const json = JSON.stringify({ request_id: requestId, decision: 'approve' });
        for (const [type, payload] of [
            ['application/x-www-form-urlencoded', `request_id=${requestId}&decision=approve`],
            ['text/plain', json],
            ['multipart/form-data; boundary=x', json],
            ['text/json', json],
            ['application/json-patch+json', json]
        ] as const) {
            const { statusCode, payload: text } = await forum.server.inject({
                method: 'POST',
                url: `/api${PATH}`,
                headers: { cookie: `session=${FRIGG}`, 'content-type': type },
                payload
            });
            expect([statusCode, JSON.parse(text).error], type).to.equal([400, 'invalid_request']);
        }
        expect(await isDecided(requestId)).to.be.false();
        const { statusCode } = await forum.server.inject({
            method: 'POST',
            url: `/api${PATH}`,
            headers: { cookie: `session=${FRIGG}`, 'content-type': 'Application/JSON ; charset=utf-8' },
            payload: json
        });
        expect(statusCode).to.equal(200);
    });

    it('reads the request_id of a POST from its body, not from the query', async () => {
        const requestId = await begin();
        const { status } = await forum.as(FRIGG, 'POST', `${PATH}?request_id=${requestId}&decision=approve`, {});
        expect(status).to.equal(400);
        expect(await isDecided(requestId)).to.be.false();
    });
});
