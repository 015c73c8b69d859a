import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { generateSigningKey, generateSigningKeys } from '../../plugin';
import { signInTo, createApp, authorize, parametersOf, locationOf, bearer } from '../support/authorization';
import { claimsOf, FRIGG, ISSUER } from '../support/forum';
import { openForum, useDatabase, useForum } from '../support/setup';

const lab = Lab.script();
export { lab };
const { describe, it } = lab;

describe('what a host tells the plugin', () => {
    const database = useDatabase(lab);
    const forum = useForum(lab, { database });

    it('is said to be wrong at the first request: a time in milliseconds, an account id that is a number', async () => {
        const late = await openForum(database, { session: { strategy: 'session', authTime: () => Date.now() } });
        const app = await createApp(late);
        expect((await authorize(late, FRIGG, parametersOf(app))).status).to.equal(303);
        expect(late.log.join()).to.contain('milliseconds?');
        const numbers = await openForum(database, {
            session: { strategy: 'session', accountId: () => 7 as unknown as string }
        });
        expect((await numbers.as(FRIGG, 'GET', '/auth/oauth/tokens')).status).to.equal(401);
        expect(numbers.log.join()).to.contain('session.accountId must return a string, but returned a number');
        const missing = await openForum(database, {
            session: { strategy: 'session', accountId: () => undefined as unknown as string }
        });
        expect((await missing.as(FRIGG, 'GET', '/auth/oauth/tokens')).status).to.equal(401);
    });

    it('is left out of ID tokens and userinfo where it is empty', async () => {
        const member = forum.addAccount();
        const app = await createApp(forum);
        const empty = [null, '', undefined] as unknown as string[];
        for (const value of empty) {
            Object.assign(forum.account(member), {
                name: value,
                handle: value,
                email: { address: value, verified: true }
            });
            const tokens = await signInTo(forum, app, { scope: 'openid profile email' }, member);
            const claims = claimsOf(tokens.id_token);
            const { body } = await forum.as(null, 'GET', '/oauth/userinfo', undefined, bearer(tokens.access_token));
            for (const told of [claims, body]) {
                expect(told).to.include({ sub: member });
                for (const name of ['name', 'preferred_username', 'email', 'email_verified']) {
                    expect(Object.keys(told as object)).not.to.include(name);
                }
            }
        }
    });

    it('is warned of where no key is an RS256 key, and signs ID tokens by the first that is', async () => {
        const [es256, rs256] = await generateSigningKeys();
        expect([es256!.alg, rs256!.alg]).to.equal(['ES256', 'RS256']);
        const both = await openForum(database, { signingKeys: [es256!, rs256!] });
        expect(both.log.join()).not.to.contain('RS256');
        const app = await createApp(both);
        const tokens = await signInTo(both, app);
        const algOf = (token: string): string =>
            (JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString()) as { alg: string }).alg;
        expect([algOf(tokens.access_token), algOf(tokens.id_token)]).to.equal(['ES256', 'RS256']);
        const { body } = await both.as(null, 'GET', '/.well-known/openid-configuration');
        expect(body.id_token_signing_alg_values_supported).to.equal(['ES256', 'RS256']);

        const without = await openForum(database, { signingKeys: [await generateSigningKey('EdDSA')] });
        expect(without.log.join()).to.contain('\\"signingKeys\\" has no RS256 key');
        expect(algOf((await signInTo(without, await createApp(without))).id_token)).to.equal('EdDSA');
    });

    it('can be the name of the parameter of its sign-in page', async () => {
        const own = await openForum(database, { urls: { loginReturnParameter: 'next' } });
        const location = locationOf(await authorize(own, null, parametersOf(await createApp(own))));
        expect(location).to.startWith(`${ISSUER}/login?next=%2Fapi%2Foauth%2Fauthorize`);
    });

    it('does not make the sign-in page’s origin one that may use the session', async () => {
        const own = await openForum(database, { urls: { login: 'https://id.example/sign-in' } });
        const headers = { origin: 'https://id.example' };
        const refused = await own.as(FRIGG, 'DELETE', '/auth/oauth/tokens?oauth_client_id=x', undefined, headers);
        expect(refused.status).to.equal(403);
    });
});
