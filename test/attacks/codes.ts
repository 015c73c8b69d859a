import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import {
    answered,
    authorize,
    basicOf,
    beginRequest,
    createApp,
    decideRequest,
    obtainCode,
    parametersOf,
    pkce,
    redeem,
    type App,
    type Changes
} from '../support/authorization';
import { FRIGG, ISSUER, type Tokens } from '../support/forum';
import { useForum } from '../support/setup';

const lab = Lab.script();
export { lab };
const { before, describe, it } = lab;

const REFRESHABLE = { scope: 'openid offline_access' };

describe('RFC 9700 §4, attacks on authorization codes', () => {
    const forum = useForum(lab);
    let app: App;
    let confidential: App;

    before(async () => {
        app = await createApp(forum);
        confidential = await createApp(forum, { type: 'confidential', pkce_required: false });
    });

    it('§4.4, mix-up: every answer to the redirect URI names its issuer, success and error alike', async () => {
        const requestId = await beginRequest(forum, app);
        const approved = (await decideRequest(forum, FRIGG, requestId)).body.location as string;
        const denied = (await decideRequest(forum, FRIGG, await beginRequest(forum, app), 'deny')).body.location;
        for (const location of [approved, String(denied)]) {
            expect(new URL(location).searchParams.getAll('iss')).to.equal([ISSUER]);
        }
        const faults: Changes[] = [{ response_type: 'token' }, { request: 'x' }, { prompt: 'none' }, { scope: 'X' }];
        for (const changes of faults) {
            expect(answered(await authorize(forum, FRIGG, parametersOf(app, changes))).iss).to.equal(ISSUER);
        }
        const { body } = await forum.as(null, 'GET', '/.well-known/oauth-authorization-server');
        expect(body.authorization_response_iss_parameter_supported).to.be.true();
        expect(body.issuer).to.equal(ISSUER);
    });

    it('§4.4, mix-up: an iss that the request or the redirect URI brings does not take the issuer’s place', async () => {
        const forged = await authorize(forum, FRIGG, parametersOf(app, { iss: 'https://evil.example', request: 'x' }));
        expect(answered(forged).iss).to.equal(ISSUER);
    });

    it('§4.5, code injection: a code is worth nothing in a session with another verifier', async () => {
        for (const of of [app, confidential]) {
            const stolen = await obtainCode(forum, of, REFRESHABLE);
            const attacker = await obtainCode(forum, of, REFRESHABLE);
            const injected = await redeem(forum, { ...stolen, verifier: attacker.verifier });
            expect([injected.status, injected.body.error]).to.equal([400, 'invalid_grant']);
            expect((await redeem(forum, stolen)).status).to.equal(200);
        }
    });

    it('§4.5, code injection: a code is worth nothing to another client, nor from another redirect URI', async () => {
        const uris = ['https://app.example/one', 'https://app.example/two'];
        const several = await createApp(forum, { redirect_uris: uris });
        const stolen = await obtainCode(forum, several, REFRESHABLE);
        for (const thief of [app, confidential]) {
            const { body } = await redeem(forum, { ...stolen, app: thief });
            expect(body.error).to.equal('invalid_grant');
        }
        expect((await redeem(forum, stolen, { redirect_uri: uris[1]! })).body.error).to.equal('invalid_grant');
        expect((await redeem(forum, stolen)).status).to.equal(200);
    });

    it('§4.5.3.2: the nonce of the request is in the ID token, so that the client can see an injected one', async () => {
        const { body } = await redeem(forum, await obtainCode(forum, app, { nonce: 'of-this-session' }));
        const payload = Buffer.from(String(body.id_token).split('.')[1]!, 'base64url').toString();
        expect(JSON.parse(payload).nonce).to.equal('of-this-session');
    });

    it('§4.5, code replay: the second use is refused and ends what the first began', async () => {
        const grant = await obtainCode(forum, app, REFRESHABLE);
        const { refresh_token: token } = (await redeem(forum, grant)).body as Tokens;
        expect((await redeem(forum, grant)).body.error).to.equal('invalid_grant');
        const { body } = await forum.refresh(token, { client_id: app.client_id });
        expect(body.error).to.equal('invalid_grant');
    });

    it('§4.3.1: a code from the browser’s history is worth nothing, used or not', async () => {
        const used = await obtainCode(forum, app);
        await redeem(forum, used);
        const unused = await obtainCode(forum, app);
        for (const { code } of [used, unused]) {
            const { verifier } = pkce();
            const answer = await redeem(forum, { ...unused, code, verifier });
            expect(answer.body.error).to.equal('invalid_grant');
        }
    });

    it('§4.7: a code that is bound to no challenge does not come about, so PKCE protects against CSRF', async () => {
        for (const of of [app, confidential]) {
            const changes = { code_challenge: null, code_challenge_method: null };
            const answer = await authorize(forum, FRIGG, parametersOf(of, changes));
            expect(answered(answer)).to.include({ error: 'invalid_request', state: 'the state' });
        }
    });

    it('§4.8, PKCE downgrade: a request without a challenge is refused, whatever its method', async () => {
        const downgrades: Changes[] = [
            { code_challenge: null },
            { code_challenge: '' },
            { code_challenge_method: null },
            { code_challenge_method: '' },
            { code_challenge_method: 'plain' },
            { code_challenge_method: 'none' },
            { code_challenge_method: 'S512' }
        ];
        for (const of of [app, confidential]) {
            for (const changes of downgrades) {
                const answer = await authorize(forum, FRIGG, parametersOf(of, changes));
                expect(answered(answer).error, JSON.stringify(changes)).to.equal('invalid_request');
            }
            const twice = [...parametersOf(of), ['code_challenge_method', 'plain']] as [string, string][];
            expect(answered(await authorize(forum, FRIGG, twice)).error).to.equal('invalid_request');
        }
    });

    it('§4.8, PKCE downgrade: a code is not exchanged without its verifier, nor by the challenge itself', async () => {
        for (const of of [app, confidential]) {
            const { verifier, challenge } = pkce();
            const grant = await obtainCode(forum, of, { code_challenge: challenge });
            const attempts: [string | null, string][] = [
                [null, 'invalid_request'],
                ['', 'invalid_request'],
                [challenge, 'invalid_grant'],
                [verifier.toUpperCase(), 'invalid_grant'],
                [`${verifier}=`, 'invalid_request']
            ];
            for (const [attempt, error] of attempts) {
                const answer = await redeem(forum, grant, { code_verifier: attempt });
                expect(answer.body.error, String(attempt)).to.equal(error);
            }
            expect((await redeem(forum, { ...grant, verifier })).status).to.equal(200);
        }
    });

    it('§4.8, absence of PKCE: a confidential client’s secret does not stand in for the verifier', async () => {
        const grant = await obtainCode(forum, confidential);
        const answer = await redeem(forum, grant, { code_verifier: null }, basicOf(confidential));
        expect(answer.body.error).to.equal('invalid_request');
    });

    it('§2.1.2: neither the implicit grant nor any hybrid is there', async () => {
        for (const type of ['token', 'id_token', 'id_token token', 'code id_token', 'code token', 'none']) {
            const answer = await authorize(forum, FRIGG, parametersOf(app, { response_type: type, nonce: 'n' }));
            expect(answered(answer).error).to.equal('unsupported_response_type');
            expect(answer.headers.location).to.not.include('#');
        }
    });

    it('§2.4: the password grant is not there', async () => {
        const { body } = await forum.token({
            grant_type: 'password',
            client_id: app.client_id,
            username: 'frigg',
            password: 'password'
        });
        expect(body.error).to.equal('unsupported_grant_type');
    });
});
