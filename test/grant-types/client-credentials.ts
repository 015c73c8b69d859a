import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { OAuthGrant } from '../../entities';
import { basic, claimsOf, DEVICE_CODE, FRIGG, ODIN, type Answer, type CreatedClient } from '../support/forum';
import { useForum } from '../support/setup';

const lab = Lab.script();
export { lab };
const { describe, it } = lab;

describe('the client credentials grant', () => {
    const forum = useForum(lab);

    const bot = (accountId: string, ...scopes: string[]): Promise<CreatedClient> =>
        forum.createClient(accountId, { allowed_scopes: scopes });

    const ask = ({ client, client_secret: secret }: CreatedClient, scope?: string): Promise<Answer> =>
        forum.token(
            { grant_type: 'client_credentials', ...(scope !== undefined && { scope }) },
            basic(client.client_id, secret)
        );

    const granted = async (created: CreatedClient, scope?: string): Promise<string> => {
        const { status, body, text } = await ask(created, scope);
        expect(status, text).to.equal(200);
        expect(claimsOf(body.access_token as string).scope).to.equal(body.scope);
        return body.scope as string;
    };

    const isError = (answer: Answer, error: string): void => {
        expect(answer.status, answer.text).to.equal(400);
        expect(answer.body.error).to.equal(error);
    };

    it('acts as the owner, with an access token and nothing else', async () => {
        const created = await bot(FRIGG, 'READ_PUBLISHED_THREADS', 'openid', 'offline_access');
        const { status, body, headers } = await ask(created);
        expect(status).to.equal(200);
        expect(headers['cache-control']).to.equal('no-store');
        expect(Object.keys(body as object).sort()).to.equal(['access_token', 'expires_in', 'scope', 'token_type']);
        expect(body).to.include({ token_type: 'Bearer', expires_in: 900, scope: 'READ_PUBLISHED_THREADS' });
        expect(claimsOf(body.access_token as string)).to.include({
            iss: 'https://forum.example',
            aud: 'https://forum.example',
            sub: FRIGG,
            client_id: created.client.client_id,
            scope: 'READ_PUBLISHED_THREADS'
        });
        // A refresh token that nobody was given must not be in the list of authorised applications either.
        const list = await forum.as(FRIGG, 'GET', '/auth/oauth/tokens');
        expect(list.body.tokens).to.equal([]);
    });

    it('gives all that client and owner share when no scope is asked for', async () => {
        expect(await granted(await bot(ODIN, 'CREATE_POST', 'MANAGE_POSTS'))).to.equal('CREATE_POST MANAGE_POSTS');
        const accountId = forum.addAccount(['CREATE_POST', 'READ_PROFILE', 'USE_ROBOTS']);
        const created = await bot(accountId, 'USE_ROBOTS', 'CREATE_POST', 'profile');
        expect((await granted(created)).split(' ').sort()).to.equal(['CREATE_POST', 'USE_ROBOTS']);
        expect((await granted(created, '')).split(' ').sort()).to.equal(['CREATE_POST', 'USE_ROBOTS']);
    });

    it('gives what was asked for in its order, once', async () => {
        const created = await bot(ODIN, 'CREATE_POST', 'MANAGE_POSTS', 'READ_PROFILE');
        expect(await granted(created, 'MANAGE_POSTS CREATE_POST MANAGE_POSTS')).to.equal('MANAGE_POSTS CREATE_POST');
    });

    it('refuses a scope that the client is not allowed, and one that nobody knows', async () => {
        const created = await bot(FRIGG, 'CREATE_POST');
        for (const scope of ['READ_PROFILE', 'CREATE_POST READ_PROFILE', 'openid', 'ADMINISTRATOR', 'nonsense', '\0']) {
            isError(await ask(created, scope), 'invalid_scope');
        }
    });

    it('leaves standard scopes out that the client is allowed', async () => {
        const created = await bot(FRIGG, 'CREATE_POST', 'openid', 'offline_access', 'email');
        const { status, body } = await ask(created, 'openid CREATE_POST offline_access email');
        expect(status).to.equal(200);
        expect(body.scope).to.equal('CREATE_POST');
        expect(body).to.not.include('id_token');
        expect(body).to.not.include('refresh_token');
        expect(await granted(created, 'openid')).to.equal('');
    });

    it('follows what the owner may do now', async () => {
        const accountId = forum.addAccount(['CREATE_POST', 'READ_PROFILE']);
        const created = await bot(accountId, 'CREATE_POST', 'READ_PROFILE');
        forum.account(accountId).permissions = ['READ_PROFILE', 'MANAGE_POSTS'];
        expect(await granted(created)).to.equal('READ_PROFILE');
        expect(await granted(created, 'CREATE_POST READ_PROFILE')).to.equal('READ_PROFILE');
        expect(await granted(created, 'CREATE_POST')).to.equal('');
        forum.account(accountId).permissions = ['ADMINISTRATOR'];
        expect((await granted(created)).split(' ').sort()).to.equal(['CREATE_POST', 'READ_PROFILE']);
        forum.account(accountId).permissions = [];
        expect(await granted(created)).to.equal('');
    });

    it('takes ADMINISTRATOR on either side for all permissions, and writes it literally', async () => {
        const all = await bot(ODIN, 'ADMINISTRATOR');
        expect(await granted(all)).to.equal('ADMINISTRATOR');
        expect(await granted(all, 'MANAGE_POSTS')).to.equal('MANAGE_POSTS');
        expect(await granted(all, 'ADMINISTRATOR')).to.equal('ADMINISTRATOR');
        isError(await ask(all, 'openid'), 'invalid_scope');

        const some = await bot(ODIN, 'CREATE_POST');
        expect(await granted(some)).to.equal('CREATE_POST');
        isError(await ask(some, 'ADMINISTRATOR'), 'invalid_scope');

        // An administrator's client, and the administrator is one no longer.
        const accountId = forum.addAccount(['ADMINISTRATOR']);
        const demoted = await bot(accountId, 'ADMINISTRATOR');
        forum.account(accountId).permissions = ['CREATE_POST', 'READ_PROFILE'];
        expect((await granted(demoted)).split(' ').sort()).to.equal(['CREATE_POST', 'READ_PROFILE']);
        expect(await granted(demoted, 'ADMINISTRATOR')).to.equal('');
        expect(await granted(demoted, 'MANAGE_POSTS CREATE_POST')).to.equal('CREATE_POST');
    });

    it('ignores what the host lists and the forum does not know', async () => {
        const accountId = forum.addAccount(['CREATE_POST']);
        const created = await bot(accountId, 'CREATE_POST');
        forum.account(accountId).permissions = ['NONSENSE', 'CREATE_POST', 'openid'];
        expect(await granted(created)).to.equal('CREATE_POST');
    });

    it('stops while the owner is suspended', async () => {
        const accountId = forum.addAccount();
        const account = forum.account(accountId);
        const created = await bot(accountId, 'CREATE_POST');
        forum.accounts.delete(accountId);
        isError(await ask(created), 'unauthorized_client');
        isError(await ask(created, 'CREATE_POST'), 'unauthorized_client');
        forum.accounts.set(accountId, account);
        expect(await granted(created)).to.equal('CREATE_POST');
    });

    it('is not for a client without an owner', async () => {
        const created = await bot(FRIGG, 'CREATE_POST');
        await forum.dataSource.query('UPDATE oauth_clients SET account_id = NULL WHERE id = ?', [created.client.id]);
        isError(await ask(created), 'unauthorized_client');
    });

    it('is not for public clients, nor for confidential ones without it', async () => {
        const { client: cli } = await forum.createClient(FRIGG, { type: 'public', allowed_grants: [DEVICE_CODE] });
        isError(
            await forum.token({ grant_type: 'client_credentials', client_id: cli.client_id }),
            'unauthorized_client'
        );
        await forum.dataSource.query('UPDATE oauth_clients SET allowed_grants = ? WHERE id = ?', [
            'client_credentials',
            cli.id
        ]);
        isError(
            await forum.token({ grant_type: 'client_credentials', client_id: cli.client_id }),
            'unauthorized_client'
        );
        isError(
            await forum.token({ grant_type: 'client_credentials', client_id: 'storyden-cli' }),
            'unauthorized_client'
        );
        const web = await forum.createClient(FRIGG, {
            allowed_grants: ['authorization_code'],
            redirect_uris: ['https://app.example/cb']
        });
        isError(await ask(web), 'unauthorized_client');
    });

    it('knows one resource', async () => {
        const { client, client_secret: secret } = await bot(FRIGG, 'CREATE_POST');
        const fields = { grant_type: 'client_credentials' };
        const headers = basic(client.client_id, secret);
        isError(await forum.token({ ...fields, resource: 'https://other.example' }, headers), 'invalid_target');
        expect((await forum.token({ ...fields, resource: 'https://forum.example' }, headers)).status).to.equal(200);
    });

    it('has one standing grant for all its tokens, and another after that was revoked', async () => {
        const created = await bot(FRIGG, 'CREATE_POST');
        const before = forum.events.length;
        await ask(created);
        const grants = forum.dataSource.getRepository(OAuthGrant);
        const [grant, ...more] = await grants.findBy({ oauthClientId: created.client.id });
        expect(more).to.equal([]);
        expect(forum.events.slice(before).map(({ at: _at, ...event }) => event)).to.equal([
            {
                type: 'token_issued',
                grant_type: 'client_credentials',
                account_id: FRIGG,
                oauth_client_id: created.client.id,
                client_id: created.client.client_id,
                scope: 'CREATE_POST',
                grant_id: grant!.id
            }
        ]);
        const grantIdOf = async (): Promise<unknown> => claimsOf((await ask(created)).body.access_token).grant_id;
        const ids = await Promise.all(Array.from({ length: 20 }, grantIdOf));
        expect([...new Set(ids)]).to.equal([grant!.id]);

        const headers = basic(created.client.client_id, created.client_secret);
        const { access_token: token } = (await ask(created)).body;
        expect((await forum.form('/oauth/revoke', { token }, headers)).status).to.equal(200);
        expect(await grants.findOneByOrFail({ id: grant!.id })).to.include({ endReason: 'revoked_by_client' });
        const renewed = await Promise.all(Array.from({ length: 20 }, grantIdOf));
        expect(new Set(renewed).size).to.equal(1);
        expect(renewed[0]).not.to.equal(grant!.id);
    });
});
