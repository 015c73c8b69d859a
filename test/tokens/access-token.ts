import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { decodeProtectedHeader } from 'jose';
import { ALGORITHMS, generateSigningKey } from '../../plugin';
import { claimsOf, CLI, Forum, FRIGG, ISSUER, START } from '../support/forum';
import type { Options } from '../../plugin';
import { useDatabase } from '../support/setup';

const lab = Lab.script();
export { lab };
const { after, describe, it } = lab;

const NOW = Math.floor(START / 1000);

describe('an access token', () => {
    const database = useDatabase(lab, 'embedded');
    const forums: Forum[] = [];

    const forumWith = async (options: Partial<Options> = {}): Promise<Forum> => {
        const forum = await Forum.create(database.dataSource, options, '/api', {
            prepare: (server) =>
                // The strategy is the plugin's, so the route comes with the first request for it.
                server.ext('onPreStart', () =>
                    server.route({
                        method: 'GET',
                        path: '/api/me',
                        options: { auth: 'oauth' },
                        handler: ({ auth }) => auth.credentials
                    })
                )
        });
        forums.push(forum);
        return forum;
    };

    const opens = async (forum: Forum, token: string): Promise<boolean> => {
        const answer = await forum.as(null, 'GET', '/me', undefined, { authorization: `Bearer ${token}` });
        expect([200, 401]).to.include(answer.status);
        return answer.status === 200;
    };

    after(async () => {
        await Promise.all(forums.map((forum) => forum.stop()));
    });

    it('is a JWT of type at+jwt with the claims of RFC 9068 and no others', async () => {
        const forum = await forumWith();
        const { access_token: token, scope, expires_in: lifetime } = await forum.signIn();
        expect(decodeProtectedHeader(token)).to.include({ alg: 'RS256', typ: 'at+jwt' });
        const { jti, grant_id: grantId, ...claims } = claimsOf(token);
        expect(grantId).to.match(/^[0-9a-v]{20}$/);
        expect(claims).to.equal({
            iss: ISSUER,
            sub: FRIGG,
            aud: ISSUER,
            client_id: CLI.client_id,
            iat: NOW,
            exp: NOW + 900,
            scope
        });
        expect(lifetime).to.equal(900);
        expect(jti).to.match(/^[0-9a-f-]{36}$/);
    });

    it('has another jti each time', async () => {
        const forum = await forumWith();
        const first = await forum.signIn();
        const second = await forum.refresh(first.refresh_token);
        expect(claimsOf(second.body.access_token).jti).to.not.equal(claimsOf(first.access_token).jti);
    });

    it('opens a route until the second in which it expires', async () => {
        const forum = await forumWith({ lifetimes: { accessToken: 30 } });
        const { access_token: token, expires_in: lifetime } = await forum.signIn();
        expect(lifetime).to.equal(30);
        forum.pass(29);
        expect(await opens(forum, token)).to.be.true();
        forum.pass(1);
        expect(await opens(forum, token)).to.be.false();
    });

    it('is signed with each algorithm that keys are made for', async () => {
        for (const alg of ALGORITHMS) {
            const forum = await forumWith({ signingKeys: [await generateSigningKey(alg)] });
            const { access_token: token, id_token: idToken } = await forum.signIn();
            expect(decodeProtectedHeader(token).alg).to.equal(alg);
            expect(decodeProtectedHeader(idToken).alg).to.equal(alg);
            expect(await opens(forum, token)).to.be.true();
        }
    });

    it('is good for as long as its key is listed, in whatever place', async () => {
        const [first, second] = [await generateSigningKey('ES256'), await generateSigningKey('EdDSA')];
        const { access_token: token } = await (await forumWith({ signingKeys: [first] })).signIn();
        expect(await opens(await forumWith({ signingKeys: [second, first] }), token)).to.be.true();
        expect(await opens(await forumWith({ signingKeys: [second] }), token)).to.be.false();
    });

    it('has the audience that the option names, and is good for no other', async () => {
        const audience = 'https://api.forum.example';
        const forum = await forumWith({ audience });
        const { access_token: token } = await forum.signIn();
        expect(claimsOf(token)).to.include({ iss: ISSUER, aud: audience });
        expect(await opens(forum, token)).to.be.true();
        expect(await opens(await forumWith(), token)).to.be.false();
    });

    it('is no ID token, and an ID token is no access token', async () => {
        // Client and audience have one name, so that nothing but the type tells the two apart.
        const forum = await forumWith({ audience: CLI.client_id });
        const { access_token: token, id_token: idToken } = await forum.signIn();
        expect(claimsOf(idToken).aud).to.equal(claimsOf(token).aud);
        expect(await opens(forum, token)).to.be.true();
        expect(await opens(forum, idToken)).to.be.false();
    });

    it('is nothing that is no JWT at all', async () => {
        const forum = await forumWith();
        for (const text of ['', 'x', 'a.b.c', '..', `${'x'.repeat(7000)}`, 'null', '[object Object]']) {
            expect(await opens(forum, text), text.slice(0, 20)).to.be.false();
        }
    });
});
