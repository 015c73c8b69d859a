import { createHmac, createPublicKey, randomBytes } from 'node:crypto';
import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { importJWK, SignJWT, type JWK } from 'jose';
import { generateSigningKey } from '../../plugin';
import {
    authorize,
    basicOf,
    bearer,
    beginRequest,
    createApp,
    decideRequest,
    locationOf,
    obtainCode,
    parametersOf,
    redeem,
    signInTo,
    type App
} from '../support/authorization';
import { claimsOf, Forum, FRIGG, ISSUER, signingKey } from '../support/forum';
import { useDatabase } from '../support/setup';

const lab = Lab.script();
export { lab };
const { after, before, describe, it } = lab;

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('RFC 9700 §4, attacks with tokens', () => {
    const database = useDatabase(lab);
    let forum: Forum;
    let app: App;
    let confidential: App;
    let key: JWK;
    /** The claims of a good access token. */
    let claims: Record<string, unknown>;

    before(async () => {
        key = await signingKey();
        forum = await Forum.create(database.dataSource, {
            // Another algorithm beside it, so that it is each key's own that counts.
            signingKeys: [key, await generateSigningKey('ES256')]
        });
        forum.server.route({
            method: 'GET',
            path: '/threads',
            handler: (request) => request.auth.credentials,
            options: { auth: { strategies: ['session', 'oauth'], mode: 'required' } }
        });
        forum.server.route({
            method: 'GET',
            path: '/bearer-only',
            handler: () => 'read',
            options: { auth: { strategies: ['oauth'], access: { scope: ['READ_PUBLISHED_THREADS'] } } }
        });
        app = await createApp(forum);
        confidential = await createApp(forum, { type: 'confidential' });
        claims = claimsOf((await signInTo(forum, confidential)).access_token);
    });

    after(async () => {
        await forum.stop();
    });

    async function sign(by: JWK, header: Record<string, unknown>, payload: Record<string, unknown>): Promise<string> {
        return new SignJWT(payload)
            .setProtectedHeader({ alg: by.alg!, kid: by.kid!, typ: 'at+jwt', ...header })
            .sign(await importJWK(by));
    }

    /** No place that takes access tokens takes this one. */
    async function expectWorthless(token: string): Promise<void> {
        const protectedRoute = await forum.server.inject({ url: '/bearer-only', headers: bearer(token) });
        expect(protectedRoute.statusCode).to.equal(401);
        expect(protectedRoute.headers['www-authenticate']).to.match(/error="invalid_token"/);
        expect(protectedRoute.payload).to.not.include('read');
        const userinfo = await forum.as(null, 'GET', '/oauth/userinfo', undefined, bearer(token));
        expect(userinfo.status).to.equal(401);
        expect(userinfo.body.error).to.equal('invalid_token');
        const introspected = await forum.form('/oauth/introspect', { token }, basicOf(confidential));
        expect(introspected.body).to.equal({ active: false });
        const revoked = await forum.form('/oauth/revoke', { token }, basicOf(confidential));
        expect(revoked.status).to.equal(200);
    }

    it('takes the token that all these are made from', async () => {
        const token = await sign(key, {}, claims);
        const { statusCode } = await forum.server.inject({ url: '/bearer-only', headers: bearer(token) });
        expect(statusCode).to.equal(200);
        const introspected = await forum.form('/oauth/introspect', { token }, basicOf(confidential));
        expect(introspected.body.active).to.be.true();
    });

    it('§4.9, an access token used as a session opens nothing that the session opens', async () => {
        const { access_token: token } = await signInTo(forum, app);
        const requestId = await beginRequest(forum, app);
        const carriers: Record<string, string>[] = [bearer(token), { cookie: `oauth=${token}` }];
        for (const headers of carriers) {
            const attempts: [string, string, unknown][] = [
                ['GET', '/auth/oauth/clients', undefined],
                ['POST', '/auth/oauth/clients', { name: 'x' }],
                ['GET', '/auth/oauth/tokens', undefined],
                ['DELETE', `/auth/oauth/clients/${app.id}`, undefined],
                ['GET', `/oauth/authorize/consent?request_id=${requestId}`, undefined],
                ['POST', '/oauth/authorize/consent', { request_id: requestId, decision: 'approve' }],
                ['GET', '/oauth/device/consent?user_code=ABCD-EFGH', undefined],
                ['POST', '/oauth/device/consent', { user_code: 'ABCD-EFGH', decision: 'approve' }]
            ];
            for (const [method, path, body] of attempts) {
                const answer = await forum.as(null, method, path, body, headers);
                expect(answer.status, `${method} ${path}`).to.equal(401);
            }
            const authorized = await authorize(forum, null, parametersOf(app), headers);
            expect(locationOf(authorized)).to.startWith(`${ISSUER}/login?`);
        }
        expect((await decideRequest(forum, FRIGG, requestId)).status).to.equal(200);
    });

    it('§4.9, an ID token used as an access token is refused', async () => {
        const tokens = await signInTo(forum, confidential, { scope: 'openid profile' });
        await expectWorthless(tokens.id_token);
        await expectWorthless(await sign(key, { typ: 'JWT' }, claims));
        await expectWorthless(await sign(key, { typ: undefined }, claims));
        await expectWorthless(await sign(key, { typ: 'application/secevent+jwt' }, claims));
    });

    it('§4.9, an access token is refused where an ID token is meant: it has another type and audience', async () => {
        const tokens = await signInTo(forum, app, { scope: 'openid' });
        const header = (token: string): Record<string, unknown> =>
            JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString()) as Record<string, unknown>;
        expect(header(tokens.access_token).typ).to.equal('at+jwt');
        expect(header(tokens.id_token).typ).to.equal('JWT');
        expect(claimsOf(tokens.access_token).aud).to.equal(ISSUER);
        expect(claimsOf(tokens.id_token).aud).to.equal(app.client_id);
    });

    it('§4.10.2, a token of another issuer is refused, though one of our keys signed it', async () => {
        for (const iss of ['https://evil.example', `${ISSUER}/`, 'https://FORUM.example', '', undefined]) {
            await expectWorthless(await sign(key, {}, { ...claims, iss }));
        }
        await expectWorthless(await sign(await generateSigningKey(), { kid: key.kid }, claims));
    });

    it('§4.10.2, a token for another audience is refused', async () => {
        for (const aud of ['https://other.example', app.client_id, [], ['https://other.example'], undefined]) {
            await expectWorthless(await sign(key, {}, { ...claims, aud }));
        }
    });

    it('a token without a signature is refused, alg none in any spelling', async () => {
        for (const alg of ['none', 'None', 'NONE', '', undefined]) {
            for (const kid of [key.kid, undefined]) {
                const unsigned = `${encode({ alg, kid, typ: 'at+jwt' })}.${encode(claims)}`;
                await expectWorthless(`${unsigned}.`);
                await expectWorthless(`${unsigned}.${randomBytes(256).toString('base64url')}`);
            }
        }
        const [header, payload] = (await sign(key, {}, claims)).split('.');
        await expectWorthless(`${header}.${payload}.`);
    });

    it('a token that the public key “signed” as an HS256 secret is refused', async () => {
        const { body } = await forum.as(null, 'GET', '/oauth/jwks');
        const published = (body.keys as JWK[]).find(({ kid }) => kid === key.kid)!;
        const pem = createPublicKey({ key: published as Record<string, string>, format: 'jwk' });
        const secrets = [
            pem.export({ type: 'spki', format: 'pem' }),
            pem.export({ type: 'spki', format: 'der' }),
            pem.export({ type: 'pkcs1', format: 'pem' }),
            JSON.stringify(published),
            published.n!,
            Buffer.from(published.n!, 'base64url')
        ];
        for (const secret of secrets) {
            const signed = `${encode({ alg: 'HS256', kid: key.kid, typ: 'at+jwt' })}.${encode(claims)}`;
            await expectWorthless(`${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`);
        }
    });

    it('a token with a kid that is unknown, absent, a path or a query is refused', async () => {
        const stranger = await generateSigningKey();
        await expectWorthless(await sign(stranger, {}, claims));
        for (const kid of ['unknown', '', undefined, '../../dev/null', "' OR 1=1 --", '__proto__', 'constructor']) {
            await expectWorthless(await sign(key, { kid }, claims));
            await expectWorthless(await sign(stranger, { kid }, claims));
        }
    });

    it('a token that brings its own key is refused', async () => {
        const stranger = await generateSigningKey();
        const { kty, n, e } = stranger;
        for (const header of [
            { jwk: { kty, n, e } },
            { jwk: { kty, n, e }, kid: key.kid },
            { jku: 'https://evil.example/jwks', kid: stranger.kid },
            { x5u: 'https://evil.example/cert', kid: key.kid }
        ]) {
            await expectWorthless(await sign(stranger, header, claims));
        }
    });

    it('a token that one of our keys signed under another algorithm is refused', async () => {
        const pss = await sign({ ...key, alg: 'PS256' }, { alg: 'PS256' }, claims);
        await expectWorthless(pss);
        const rs512 = await sign({ ...key, alg: 'RS512' }, { alg: 'RS512' }, claims);
        await expectWorthless(rs512);
    });

    it('a token whose claims were changed, or whose time is over or missing, is refused', async () => {
        const [header, , signature] = (await sign(key, {}, claims)).split('.');
        await expectWorthless(`${header}.${encode({ ...claims, scope: 'ADMINISTRATOR' })}.${signature}`);
        const now = Math.floor(forum.now / 1000);
        for (const changed of [
            { exp: now },
            { exp: now - 1 },
            { exp: undefined },
            { nbf: now + 100 },
            { sub: undefined }
        ]) {
            await expectWorthless(await sign(key, {}, { ...claims, ...changed }));
        }
        await expectWorthless(await sign(key, {}, { ...claims, client_id: undefined }));
        await expectWorthless(await sign(key, {}, { ...claims, scope: undefined }));
        await expectWorthless(await sign(key, {}, { ...claims, scope: ['READ_PUBLISHED_THREADS'] }));
    });

    it('§4.10, a refresh token or a code used as an access token is refused', async () => {
        const tokens = await signInTo(forum, confidential, { scope: 'openid offline_access' });
        for (const token of [tokens.refresh_token, confidential.secret!]) {
            const { statusCode } = await forum.server.inject({ url: '/bearer-only', headers: bearer(token) });
            expect(statusCode).to.equal(401);
        }
        const { code } = await obtainCode(forum, confidential);
        await expectWorthless(code);
    });

    it('§4.14.2, an access token or a code used as a refresh token is refused', async () => {
        const tokens = await signInTo(forum, app, { scope: 'openid offline_access' });
        const grant = await obtainCode(forum, app);
        for (const token of [tokens.access_token, tokens.id_token, grant.code]) {
            const { body } = await forum.refresh(token, { client_id: app.client_id });
            expect(body.error).to.equal('invalid_grant');
        }
        for (const code of [tokens.access_token, tokens.refresh_token, tokens.id_token]) {
            expect((await redeem(forum, { ...grant, code })).body.error).to.equal('invalid_grant');
        }
        expect((await redeem(forum, grant)).status).to.equal(200);
    });
});
