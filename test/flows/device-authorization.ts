import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { basic, CLI, DEVICE_CODE, Forum, FRIGG, ODIN, openDatabase, unique, type Answer } from '../support/forum';
import { useForum } from '../support/setup';

const lab = Lab.script();
export { lab };
const { describe, it } = lab;

describe('the device authorization endpoint', () => {
    const forum = useForum(lab);

    const ask = (fields: Record<string, string>, headers?: Record<string, string>): Promise<Answer> =>
        forum.form('/oauth/device_authorization', fields, headers);

    const rows = async (): Promise<number> => {
        const [row] = await forum.dataSource.query('SELECT COUNT(*) AS n FROM oauth_device_authorizations');
        return Number(row.n);
    };

    const refused = async (answer: Promise<Answer>, error: string, status = 400): Promise<Answer> => {
        const before = await rows();
        const given = await answer;
        expect(given.body.error, given.text).to.equal(error);
        expect(given.body.error_description).to.be.a.string();
        expect(given.status).to.equal(status);
        expect(given.headers['cache-control']).to.equal('no-store');
        expect(given.headers.pragma).to.equal('no-cache');
        expect(await rows()).to.equal(before);
        return given;
    };

    it('answers what a device needs to begin', async () => {
        const { status, body, headers } = await ask(CLI);
        expect(status).to.equal(200);
        expect(headers['cache-control']).to.equal('no-store');
        expect(Object.keys(body as object).sort()).to.equal(
            [
                'device_code',
                'user_code',
                'verification_uri',
                'verification_uri_complete',
                'expires_in',
                'interval'
            ].sort()
        );
        expect(body.device_code).to.match(/^[A-Za-z0-9_-]{43}$/);
        expect(body.user_code).to.match(/^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$/);
        expect(body.verification_uri).to.equal('https://forum.example/oauth/consent');
        expect(body.verification_uri_complete).to.equal(
            `https://forum.example/oauth/consent?user_code=${body.user_code}`
        );
        expect(body.expires_in).to.equal(600);
        expect(body.interval).to.equal(5);
    });

    it('never answers the same codes twice', async () => {
        const answers = await Promise.all(Array.from({ length: 50 }, () => ask(CLI)));
        expect(new Set(answers.map(({ body }) => body.device_code as string)).size).to.equal(50);
        expect(new Set(answers.map(({ body }) => body.user_code as string)).size).to.equal(50);
    });

    it('keeps a hash of the device code only', async () => {
        const { body } = await ask(CLI);
        const stored = await forum.dataSource.query('SELECT * FROM oauth_device_authorizations');
        expect(JSON.stringify(stored)).to.not.include(body.device_code as string);
    });

    it('sends the person to the page of the options, whatever query it has', async () => {
        const other = await forum.another({
            urls: { deviceConsent: 'https://app.example/device?lang=is' },
            lifetimes: { deviceCode: 60, devicePollInterval: 1 }
        });
        const { body } = await other.form('/oauth/device_authorization', CLI);
        expect(body.verification_uri).to.equal('https://app.example/device?lang=is');
        expect(body.verification_uri_complete).to.equal(
            `https://app.example/device?lang=is&user_code=${body.user_code}`
        );
        expect(body.expires_in).to.equal(60);
        expect(body.interval).to.equal(1);
    });

    it('serves the built-in client to many processes that begin at the same instant on an empty database', async () => {
        const empty = await openDatabase();
        const forums = await Promise.all(Array.from({ length: 3 }, () => Forum.create(empty.dataSource)));
        const answers = await Promise.all(
            Array.from({ length: 30 }, (_, place) => forums[place % 3]!.form('/oauth/device_authorization', CLI))
        );
        expect(answers.map(({ status }) => status)).to.equal(Array.from({ length: 30 }, () => 200));
        const [clients] = await empty.dataSource.query('SELECT COUNT(*) AS n FROM oauth_clients');
        expect(Number(clients.n)).to.equal(1);
        await Promise.all(forums.map((each) => each.stop()));
        await empty.done();
    });

    it('takes the three scopes of a built-in client in any order, and folds duplicates', async () => {
        for (const scope of [
            'openid profile offline_access',
            'offline_access openid profile',
            'profile profile offline_access openid openid'
        ]) {
            expect((await ask({ ...CLI, scope })).status, scope).to.equal(200);
        }
    });

    it('takes no other scopes from a built-in client', async () => {
        for (const scope of [
            '',
            'openid',
            'openid profile',
            'openid offline_access',
            'openid profile offline_access email',
            'openid profile offline_access CREATE_POST',
            'openid profile offline_access ADMINISTRATOR',
            'CREATE_POST',
            'openid profile offline_acces',
            'OPENID PROFILE OFFLINE_ACCESS'
        ]) {
            await refused(ask({ ...CLI, scope }), 'invalid_scope');
        }
        await refused(ask({ client_id: CLI.client_id }), 'invalid_scope');
    });

    it('takes from a registered client any of what it is allowed', async () => {
        const { client } = await forum.createClient(FRIGG, {
            type: 'public',
            allowed_grants: [DEVICE_CODE],
            allowed_scopes: ['openid', 'CREATE_POST']
        });
        const fields = { client_id: client.client_id };
        for (const scope of ['', 'openid', 'CREATE_POST openid', 'CREATE_POST CREATE_POST']) {
            expect((await ask({ ...fields, scope })).status, scope).to.equal(200);
        }
        for (const scope of ['READ_PROFILE', 'openid email', 'nonsense', 'create_post', 'ADMINISTRATOR', 'é', '"x"']) {
            await refused(ask({ ...fields, scope }), 'invalid_scope');
        }
    });

    it('takes any permission from a client that is allowed ADMINISTRATOR, but no standard scope', async () => {
        const { client } = await forum.createClient(ODIN, {
            type: 'public',
            allowed_grants: [DEVICE_CODE],
            allowed_scopes: ['ADMINISTRATOR']
        });
        const fields = { client_id: client.client_id };
        expect((await ask({ ...fields, scope: 'MANAGE_POSTS ADMINISTRATOR' })).status).to.equal(200);
        await refused(ask({ ...fields, scope: 'openid' }), 'invalid_scope');
    });

    it('refuses a client that does not exist', async () => {
        for (const clientId of ['nobody', 'storyden-cli ', 'Storyden-CLI', 'x'.repeat(5000), '\0', '%00', "' OR 1=1"]) {
            const { headers } = await refused(ask({ ...CLI, client_id: clientId }), 'invalid_client', 401);
            expect(headers).to.not.include('www-authenticate');
        }
    });

    it('refuses a deleted client as one that does not exist', async () => {
        const { client } = await forum.createClient(FRIGG, {
            type: 'public',
            allowed_grants: [DEVICE_CODE]
        });
        await forum.as(FRIGG, 'DELETE', `/auth/oauth/clients/${client.id}`);
        const gone = await refused(ask({ client_id: client.client_id }), 'invalid_client', 401);
        const never = await ask({ client_id: unique('sdoak_') });
        expect(gone.text).to.equal(never.text);
    });

    it('refuses a confidential client, with its secret and without', async () => {
        const { client, client_secret: secret } = await forum.createClient(FRIGG);
        const id = client.client_id;
        await refused(ask({ client_id: id }), 'unauthorized_client');
        await refused(ask({ client_id: id, client_secret: secret }), 'unauthorized_client');
        await refused(ask({}, basic(id, secret)), 'unauthorized_client');
    });

    it('refuses a client without the grant', async () => {
        const { client } = await forum.createClient(FRIGG, {
            type: 'public',
            allowed_grants: ['authorization_code'],
            redirect_uris: ['https://app.example/cb'],
            pkce_required: true
        });
        await refused(ask({ client_id: client.client_id }), 'unauthorized_client');
    });

    it('refuses a public client that sends a secret', async () => {
        await refused(ask({ ...CLI, client_secret: 'x' }), 'invalid_client', 401);
        const { headers } = await refused(ask({ scope: CLI.scope }, basic(CLI.client_id, 'x')), 'invalid_client', 401);
        expect(headers['www-authenticate']).to.match(/^Basic/);
    });

    it('needs to be told the client', async () => {
        await refused(ask({ scope: CLI.scope }), 'invalid_request');
        await refused(ask({ client_id: '', scope: CLI.scope }), 'invalid_request');
    });

    it('knows one resource', async () => {
        await refused(ask({ ...CLI, resource: 'https://other.example' }), 'invalid_target');
        expect((await ask({ ...CLI, resource: 'https://forum.example' })).status).to.equal(200);
        const twice = new URLSearchParams([...Object.entries(CLI), ['resource', 'https://forum.example']]);
        twice.append('resource', 'https://forum.example/');
        expect((await forum.form('/oauth/device_authorization', twice.toString())).status).to.equal(200);
        twice.append('resource', 'https://other.example');
        await refused(forum.form('/oauth/device_authorization', twice.toString()), 'invalid_target');
    });

    it('answers any origin without credentials', async () => {
        const { headers } = await ask(CLI, { origin: 'https://elsewhere.example' });
        expect(headers['access-control-allow-origin']).to.match(/^(\*|https:\/\/elsewhere\.example)$/);
        expect(headers).to.not.include('access-control-allow-credentials');
    });
});
