import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { DEVICE_CODE, claimsOf, CLI, Forum, FRIGG, ISSUER, LOKI, START } from '../support/forum';
import type { Tokens } from '../support/forum';
import { userClaims } from '../../plugin/tokens/id-token';
import { useDatabase, useForum } from '../support/setup';

const lab = Lab.script();
export { lab };
const { describe, it } = lab;

const NOW = Math.floor(START / 1000);

describe('an ID token', () => {
    const database = useDatabase(lab, 'embedded');
    const forum = useForum(lab, { database, options: () => ({ session: { strategy: 'session' } }) });

    /** Tokens of a member's device client that asks for a scope. */
    const signIn = async (scope: string, accountId = FRIGG): Promise<Tokens> => {
        const { client } = await forum.createClient(FRIGG, {
            type: 'public',
            allowed_grants: [DEVICE_CODE, 'refresh_token'],
            allowed_scopes: ['openid', 'profile', 'email', 'offline_access']
        });
        return forum.signIn(accountId, { client_id: client.client_id, scope });
    };

    it('says who signed in to which client, and for how long that holds', async () => {
        const { id_token: token } = await signIn('openid');
        const { aud, ...claims } = claimsOf(token);
        expect(String(aud)).to.startWith('sdoak_');
        expect(claims).to.equal({ iss: ISSUER, sub: FRIGG, iat: NOW, exp: NOW + 900 });
        expect(decodeProtectedHeader(token).typ).to.not.equal('at+jwt');
    });

    it('can be checked with the published keys', async () => {
        const { id_token: token } = await forum.signIn();
        const { body } = await forum.as(null, 'GET', '/oauth/jwks');
        const { payload } = await jwtVerify(token, createLocalJWKSet(body), {
            issuer: ISSUER,
            audience: CLI.client_id,
            currentDate: new Date(START)
        });
        expect(payload.sub).to.equal(FRIGG);
    });

    it('has the name with profile and the address with email', async () => {
        const profile = claimsOf((await signIn('openid profile')).id_token);
        expect(profile).to.include({ name: 'Frigg', preferred_username: 'frigg' });
        expect(Object.keys(profile)).to.not.include(['email', 'email_verified']);
        const email = claimsOf((await signIn('openid email')).id_token);
        expect(email).to.include({ email: 'frigg@forum.example', email_verified: false });
        expect(Object.keys(email)).to.not.include(['name', 'preferred_username']);
    });

    it('has no address of an account without one', async () => {
        const account = forum.account(LOKI);
        expect(userClaims(account, ['openid', 'email'])).to.equal({});
        account.permissions.push('USE_OAUTH_CLIENTS');
        const claims = claimsOf((await signIn('openid email', LOKI)).id_token);
        expect(Object.keys(claims)).to.not.include('email');
        expect(Object.keys(claims)).to.not.include('email_verified');
    });

    it('is issued with openid only', async () => {
        expect(await signIn('profile email')).to.not.include('id_token');
        const tokens = await signIn('openid offline_access');
        const narrowed = await forum.refresh(tokens.refresh_token, {
            client_id: String(claimsOf(tokens.id_token).aud),
            scope: 'offline_access'
        });
        expect(narrowed.status, narrowed.text).to.equal(200);
        expect(narrowed.body).to.not.include('id_token');
    });

    it('tells at a refresh of the account as it is then, with the same subject and audience', async () => {
        const first = await signIn('openid profile offline_access');
        forum.pass(100);
        forum.account(FRIGG).name = 'Frigg Fjörgynsdóttir 🧵';
        const { aud } = claimsOf(first.id_token);
        const { body } = await forum.refresh(first.refresh_token, { client_id: String(aud) });
        const claims = claimsOf(body.id_token as string);
        expect(claims).to.include({ sub: FRIGG, aud, name: 'Frigg Fjörgynsdóttir 🧵', preferred_username: 'frigg' });
        expect(Number(claims.iat) - Number(claimsOf(first.id_token).iat)).to.equal(100);
        expect(Object.keys(claims)).to.not.include('nonce');
    });

    it('says when the person signed in, where the host tells, at every refresh too', async () => {
        const telling = await Forum.create(database.dataSource, {
            session: { strategy: 'session', authTime: ({ authTime }) => authTime as number }
        });
        const first = await telling.signIn();
        expect(claimsOf(first.id_token).auth_time).to.equal(1_795_000_000);
        telling.pass(60);
        const { body } = await telling.refresh(first.refresh_token);
        expect(claimsOf(body.id_token as string).auth_time).to.equal(1_795_000_000);
        await telling.stop();
    });

    it('lives as long as the access token beside it', async () => {
        const brief = await Forum.create(database.dataSource, { lifetimes: { accessToken: 77 } });
        const { access_token: accessToken, id_token: idToken } = await brief.signIn();
        expect(claimsOf(idToken).exp).to.equal(claimsOf(accessToken).exp);
        expect(Number(claimsOf(idToken).exp) - Number(claimsOf(idToken).iat)).to.equal(77);
        await brief.stop();
    });
});
