import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { OAuthRefreshToken } from '../../entities/index';
import {
    basicOf,
    bearer,
    countRows,
    createApp,
    obtainCode,
    redeem,
    signInTo,
    type App
} from '../support/authorization';
import { grantOf, storedGrant } from '../support/token-family';
import { CLI, Forum, FRIGG, openDatabase, type Answer, type Tokens } from '../support/forum';
import { useForum } from '../support/setup';

const lab = Lab.script();
export { lab };
const { before, describe, it } = lab;

const REFRESHABLE = { scope: 'openid offline_access' };

describe('revoking a token', () => {
    const forum = useForum(lab);
    let app: App;
    let other: App;
    let confidential: App;

    before(async () => {
        app = await createApp(forum);
        other = await createApp(forum);
        confidential = await createApp(forum, { type: 'confidential' });
    });

    function revoke(of: App, token: string, fields: Record<string, string> = {}): Promise<Answer> {
        return forum.form('/oauth/revoke', {
            client_id: of.client_id,
            ...(of.secret !== undefined && { client_secret: of.secret }),
            token,
            ...fields
        });
    }

    function refresh(of: App, token: string): Promise<Answer> {
        return forum.refresh(token, { client_id: of.client_id, ...(of.secret && { client_secret: of.secret }) });
    }

    function expectDone({ status, text, headers }: Answer): void {
        expect([status, text]).to.equal([200, '{}']);
        expect(String(headers['content-type'])).to.startWith('application/json');
        expect(headers['cache-control']).to.equal('no-store');
        expect(headers.pragma).to.equal('no-cache');
    }

    async function chainOf(of: App, rotations: number): Promise<string[]> {
        const tokens = [(await signInTo(forum, of, REFRESHABLE)).refresh_token];
        for (let round = 0; round < rotations; ++round) {
            tokens.push((await refresh(of, tokens.at(-1)!)).body.refresh_token);
        }
        return tokens;
    }

    it('revokes the grant, whichever of its tokens is named', async () => {
        for (const place of [0, 1, 2, 3]) {
            const tokens = await chainOf(app, 3);
            expectDone(await revoke(app, tokens[place]!));
            expect(await storedGrant(forum.dataSource, tokens[0]!)).to.include({
                endReason: 'revoked_by_client',
                endedAt: forum.now
            });
            for (const token of [...tokens].reverse()) {
                expect((await refresh(app, token)).body.error).to.equal('invalid_grant');
            }
        }
    });

    it('revokes the grant by a token whose row is long gone', async () => {
        const tokens = await chainOf(app, 2);
        const where = { grantId: grantOf(tokens[0]!), generation: 0 };
        await forum.dataSource.getRepository(OAuthRefreshToken).delete(where);
        expectDone(await revoke(app, tokens[0]!));
        expect((await refresh(app, tokens[2]!)).body.error).to.equal('invalid_grant');
    });

    it('revokes nothing by a token that was made up for the token family', async () => {
        const [token] = await chainOf(app, 0);
        const [foreign] = await chainOf(app, 0);
        const start = 'sdort_'.length + 20;
        for (const forged of [
            token!.slice(0, start) + foreign!.slice(start),
            token!.slice(0, -1) + (token!.endsWith('A') ? 'B' : 'A'),
            token!.slice(0, start) + 'A'.repeat(token!.length - start)
        ]) {
            expectDone(await revoke(app, forged));
        }
        expect((await refresh(app, token!)).status).to.equal(200);
    });

    it('responds alike to its own, unknown, revoked, expired and other clients’ tokens', async () => {
        const [foreign] = await chainOf(other, 0);
        const [own] = await chainOf(app, 0);
        const expired = await forum.another();
        const old = (await signInTo(expired, app, REFRESHABLE)).refresh_token;
        const answers = [
            await revoke(app, own!),
            await revoke(app, own!),
            await revoke(app, foreign!),
            await revoke(app, 'x'),
            await revoke(app, 'sdort_'),
            await revoke(app, `sdort_${'0'.repeat(20)}${'A'.repeat(72)}`),
            await revoke(app, 'a.b.c')
        ];
        expired.pass(40 * 24 * 3600);
        answers.push(await expired.form('/oauth/revoke', { client_id: app.client_id, token: old }));
        for (const answer of answers) {
            expectDone(answer);
        }
        expect((await refresh(other, foreign!)).status).to.equal(200);
    });

    it('changes nothing of another client’s grant, whether either has a secret or not', async () => {
        for (const [owner, thief] of [
            [other, app],
            [confidential, app],
            [app, confidential]
        ] as const) {
            const tokens = await chainOf(owner, 1);
            for (const token of tokens) {
                expectDone(await revoke(thief, token));
            }
            expect((await storedGrant(forum.dataSource, tokens[0]!)).endedAt).to.be.null();
            expect((await refresh(owner, tokens[1]!)).status).to.equal(200);
        }
    });

    it('revokes the grant of a valid access token, at its own client only', async () => {
        const tokens = await signInTo(forum, app, REFRESHABLE);
        expectDone(await revoke(other, tokens.access_token));
        expectDone(await revoke(app, tokens.id_token));
        expectDone(await revoke(app, `${tokens.access_token}x`));
        expect((await storedGrant(forum.dataSource, tokens.refresh_token)).endedAt).to.be.null();
        expectDone(await revoke(app, tokens.access_token));
        expect(await storedGrant(forum.dataSource, tokens.refresh_token)).to.include({
            endReason: 'revoked_by_client',
            endedAt: forum.now
        });
        expect((await refresh(app, tokens.refresh_token)).body.error).to.equal('invalid_grant');
        expectDone(await revoke(app, tokens.access_token));
        const userinfo = await forum.as(null, 'GET', '/oauth/userinfo', undefined, bearer(tokens.access_token));
        expect(userinfo.status).to.equal(401);
    });

    it('changes nothing by an access token that has expired', async () => {
        const host = await forum.another();
        const { access_token: token, refresh_token: lasting } = await signInTo(host, app, REFRESHABLE);
        host.pass(900);
        expectDone(await host.form('/oauth/revoke', { client_id: app.client_id, token }));
        expect((await host.refresh(lasting, { client_id: app.client_id })).status).to.equal(200);
    });

    it('finds the token whatever the hint says', async () => {
        for (const hint of ['access_token', 'refresh_token', 'nonsense', '']) {
            const [token] = await chainOf(app, 0);
            expectDone(await revoke(app, token!, { token_type_hint: hint }));
            expect((await refresh(app, token!)).body.error).to.equal('invalid_grant');
            const { access_token: access, refresh_token: lasting } = await signInTo(forum, app, REFRESHABLE);
            expectDone(await revoke(app, access, { token_type_hint: hint }));
            expect((await refresh(app, lasting)).body.error).to.equal('invalid_grant');
        }
    });

    it('is told as one event, with the grant and no token', async () => {
        const [token] = await chainOf(app, 0);
        const before = forum.events.length;
        await revoke(app, token!);
        await revoke(app, token!);
        const events = forum.events.slice(before);
        expect(events).to.have.length(1);
        expect(events[0]).to.include({
            type: 'grant_revoked',
            reason: 'revoked_by_client',
            grant_id: grantOf(token!),
            account_id: FRIGG,
            oauth_client_id: app.id
        });
        expect(JSON.stringify(events) + forum.log.join('')).to.not.include(token!.slice(26));
    });

    it('needs a token, from a client that is who it says', async () => {
        const [token] = await chainOf(confidential, 0);
        const rows = await countRows(forum.dataSource);
        const { client_id: clientId, secret } = confidential;
        const cases: [Record<string, string>, Record<string, string>, number, string][] = [
            [{ client_id: app.client_id }, {}, 400, 'invalid_request'],
            [{ client_id: app.client_id, token: '' }, {}, 400, 'invalid_request'],
            [{ token: token! }, {}, 401, 'invalid_client'],
            [{ client_id: clientId, token: token! }, {}, 401, 'invalid_client'],
            [{ client_id: clientId, client_secret: 'wrong', token: token! }, {}, 401, 'invalid_client'],
            [{ client_id: clientId, client_secret: 'wrong', token: 'x' }, {}, 401, 'invalid_client'],
            [{ client_id: clientId, client_secret: 'wrong' }, {}, 401, 'invalid_client'],
            [{ client_id: 'sdoak_unknown', token: token! }, {}, 401, 'invalid_client'],
            [{ client_id: app.client_id, client_secret: 'x', token: token! }, {}, 401, 'invalid_client'],
            [{ client_secret: secret!, token: token! }, basicOf(confidential), 400, 'invalid_request'],
            [{ client_id: app.client_id, token: token! }, basicOf(confidential), 400, 'invalid_request'],
            [{ token: token! }, basicOf({ ...confidential, secret: 'wrong' }), 401, 'invalid_client'],
            [{ token: token! }, basicOf({ ...app, secret: '' }), 401, 'invalid_client']
        ];
        for (const [fields, headers, status, error] of cases) {
            const answer = await forum.form('/oauth/revoke', fields, headers);
            expect([answer.status, answer.body.error], JSON.stringify(fields)).to.equal([status, error]);
            const challenge = answer.headers['www-authenticate'];
            expect(challenge?.startsWith('Basic') ?? false).to.equal(status === 401 && 'authorization' in headers);
        }
        expect(await countRows(forum.dataSource)).to.equal(rows);
        expect((await storedGrant(forum.dataSource, token!)).endedAt).to.be.null();
        expectDone(await forum.form('/oauth/revoke', { token: token! }, basicOf(confidential)));
        expect((await storedGrant(forum.dataSource, token!)).endedAt).to.equal(forum.now);
    });

    it('works for the built-in client, and on an empty database', async () => {
        const { refresh_token: token } = await forum.signIn();
        const builtIn = { ...app, client_id: CLI.client_id };
        expectDone(await revoke(builtIn, token));
        expect((await forum.refresh(token)).body.error).to.equal('invalid_grant');

        const embedded = await openDatabase('embedded');
        const host = await Forum.create(embedded.dataSource);
        expectDone(await host.form('/oauth/revoke', { client_id: CLI.client_id, token }));
        expectDone(await host.form('/oauth/revoke', { client_id: CLI.client_id, token: 'x' }));
        await embedded.done();
    });

    it('leaves no token of the token family that works, when it comes together with refreshes', async () => {
        for (let round = 0; round < 20; ++round) {
            const { refresh_token: token } = (await redeem(forum, await obtainCode(forum, app, REFRESHABLE)))
                .body as Tokens;
            const [revoked, ...answers] = await Promise.all([
                revoke(app, token),
                refresh(app, token),
                refresh(app, token)
            ]);
            expectDone(revoked);
            for (const { status, body } of answers) {
                const successor = status === 200 ? (body.refresh_token as string) : token;
                expect((await refresh(app, successor)).body.error).to.equal('invalid_grant');
            }
        }
    });

    it('is possible from any page, preflight and errors included', async () => {
        const origin = 'https://app.example';
        const preflight = await forum.as(null, 'OPTIONS', '/oauth/revoke', undefined, {
            origin,
            'access-control-request-method': 'POST',
            'access-control-request-headers': 'authorization'
        });
        const failed = await forum.form('/oauth/revoke', {}, { origin });
        const done = await forum.form('/oauth/revoke', { client_id: app.client_id, token: 'x' }, { origin });
        for (const { headers } of [preflight, failed, done]) {
            expect(['*', origin]).to.include(headers['access-control-allow-origin']);
            expect(headers['access-control-allow-credentials']).to.be.undefined();
        }
    });
});
