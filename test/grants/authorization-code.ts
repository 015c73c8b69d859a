import { createHash, randomBytes } from 'node:crypto';
import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { claimsOf, Forum, FRIGG, ISSUER, openDatabase, type OpenDatabase } from '../support/forum';

const lab = Lab.script();
export { lab };
const { after, before, describe, it } = lab;

describe('the authorization code flow', () => {
    let database: OpenDatabase;
    let forum: Forum;

    before(async () => {
        database = await openDatabase();
        forum = await Forum.create(database.dataSource);
    });

    after(async () => {
        await forum.stop();
        await database.done();
    });

    it('leads through consent to tokens', async () => {
        const { client } = await forum.createClient(FRIGG, {
            type: 'public',
            allowed_grants: ['authorization_code', 'refresh_token'],
            allowed_scopes: ['openid', 'profile', 'offline_access', 'CREATE_POST'],
            redirect_uris: ['https://app.example/cb', 'com.example.app:/cb'],
            pkce_required: true
        });
        const verifier = randomBytes(32).toString('base64url');
        const query = new URLSearchParams({
            response_type: 'code',
            client_id: client.client_id,
            redirect_uri: 'https://app.example/cb',
            scope: 'openid profile offline_access CREATE_POST',
            state: 'the state',
            nonce: 'n-1',
            code_challenge: createHash('sha256').update(verifier).digest('base64url'),
            code_challenge_method: 'S256'
        });
        const begun = await forum.as(FRIGG, 'GET', `/oauth/authorize?${query.toString()}`);
        expect(begun.status, begun.text).to.equal(303);
        const page = new URL(begun.headers.location!);
        expect(page.origin + page.pathname).to.equal(`${ISSUER}/oauth/authorize/consent`);
        const requestId = page.searchParams.get('request_id')!;
        const shown = await forum.as(FRIGG, 'GET', `/oauth/authorize/consent?request_id=${requestId}`);
        expect(shown.status, shown.text).to.equal(200);
        expect(shown.body.granted_scopes).to.equal(['openid', 'profile', 'offline_access', 'CREATE_POST']);
        const decided = await forum.as(FRIGG, 'POST', '/oauth/authorize/consent', {
            request_id: requestId,
            decision: 'approve'
        });
        expect(decided.body.status, decided.text).to.equal('approved');
        const back = new URL(decided.body.location as string);
        expect(back.searchParams.get('state')).to.equal('the state');
        expect(back.searchParams.get('iss')).to.equal(ISSUER);
        const exchange = {
            grant_type: 'authorization_code',
            client_id: client.client_id,
            code: back.searchParams.get('code')!,
            redirect_uri: 'https://app.example/cb',
            code_verifier: verifier
        };
        const tokens = await forum.token(exchange);
        expect(tokens.status, tokens.text).to.equal(200);
        expect(claimsOf(tokens.body.id_token as string)).to.include({ nonce: 'n-1', sub: FRIGG, name: 'Frigg' });
        const bearer = { authorization: `Bearer ${tokens.body.access_token}` };
        const userinfo = await forum.as(null, 'GET', '/oauth/userinfo', undefined, bearer);
        expect(userinfo.body).to.equal({ sub: FRIGG, name: 'Frigg', preferred_username: 'frigg' });

        expect((await forum.token(exchange)).body.error).to.equal('invalid_grant');
        const ended = await forum.refresh(tokens.body.refresh_token as string, { client_id: client.client_id });
        expect(ended.body.error).to.equal('invalid_grant');
        const revoked = await forum.form('/oauth/revoke', {
            client_id: client.client_id,
            token: tokens.body.refresh_token as string
        });
        expect(revoked.status).to.equal(200);
        expect(revoked.text).to.equal('');
    });
});
