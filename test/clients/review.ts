import { createHash, randomBytes } from 'node:crypto';
import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { OAuthClient, OAuthGrant } from '../../entities';
import { basic, claimsOf, FRIGG, LOKI, ODIN, type Answer } from '../support/forum';
import { insertClient } from '../support/rows';
import { useForum } from '../support/setup';

const lab = Lab.script();
export { lab };
const { describe, it } = lab;

const OWN = '/auth/oauth/clients';
const ALL = '/admin/oauth/clients';
const PHONE = {
    name: 'A phone',
    type: 'public',
    allowed_grants: ['authorization_code'],
    allowed_scopes: ['openid'],
    redirect_uris: ['https://app.example/cb'],
    pkce_required: true
};
const BOT = {
    name: 'A bot',
    type: 'confidential',
    allowed_grants: ['client_credentials'],
    allowed_scopes: ['CREATE_POST']
};
const DETAILS = {
    client_uri: 'https://app.example/',
    tos_uri: 'https://app.example/terms?lang=is',
    policy_uri: 'https://app.example/privacy',
    description: 'Reads threads aloud.\nIn any language.'
};

describe('what people judge a client by', () => {
    const forum = useForum(lab);

    function expectInvalid({ status, body }: Answer, field: string, what: string): void {
        expect([status, body.error, body.metadata?.field], what).to.equal([400, 'invalid_request', field]);
    }

    it('is set, changed and taken away by its owner and by administrators', async () => {
        for (const [path, account] of [
            [OWN, FRIGG],
            [ALL, ODIN]
        ] as const) {
            const created = await forum.as(account, 'POST', path, { ...PHONE, ...DETAILS });
            const client = path === OWN ? created.body.client : created.body;
            expect(client).to.include(DETAILS);
            const url = `${path}/${client.id}`;
            const changed = await forum.as(account, 'PATCH', url, { tos_uri: null, description: 'Short.' });
            const kept = { client_uri: DETAILS.client_uri, policy_uri: DETAILS.policy_uri };
            expect(changed.body).to.include({ ...kept, description: 'Short.' });
            expect(Object.keys(changed.body as object)).not.to.include('tos_uri');
            expect((await forum.as(account, 'GET', url)).body).to.equal(changed.body);
        }
    });

    it('is https URLs and a text of at most 1,000 characters', async () => {
        const { body } = await forum.as(FRIGG, 'POST', OWN, PHONE);
        for (const field of ['client_uri', 'tos_uri', 'policy_uri']) {
            for (const uri of [
                'http://app.example',
                'javascript:alert(1)',
                'https://user@app.example',
                'https://app.example/ x',
                'https://app.example/\u2028',
                'https:app.example',
                'app.example',
                '',
                `https://app.example/${'x'.repeat(2048)}`
            ]) {
                const answer = await forum.as(FRIGG, 'PATCH', `${OWN}/${body.client.id}`, { [field]: uri });
                expectInvalid(answer, field, uri);
            }
        }
        for (const description of ['', 'x'.repeat(1001), 'a\u0000b', '\ud800']) {
            const answer = await forum.as(FRIGG, 'POST', OWN, { ...PHONE, description });
            expectInvalid(answer, 'description', JSON.stringify(description));
        }
        const long = { description: '\u{1f4d6}'.repeat(1000), client_uri: `https://app.example/${'x'.repeat(2028)}` };
        expect((await forum.as(FRIGG, 'PATCH', `${OWN}/${body.client.id}`, long)).status).to.equal(200);
    });

    it('says who made it known: a member, an administrator, the forum itself', async () => {
        const own = (await forum.as(FRIGG, 'POST', OWN, PHONE)).body.client;
        expect(own).to.include({ source: 'member', verified: false, status: 'active' });
        const made = (await forum.as(ODIN, 'POST', ALL, PHONE)).body;
        expect(made).to.include({ source: 'administrator', verified: true, status: 'active' });
        const unsure = (await forum.as(ODIN, 'POST', ALL, { ...PHONE, verified: false, status: 'suspended' })).body;
        expect(unsure).to.include({ verified: false, status: 'suspended' });
        const { clients } = (await forum.as(ODIN, 'GET', ALL)).body;
        const builtIn = clients.find(({ client_id: id }: { client_id: string }) => id === 'storyden-cli');
        expect(builtIn).to.include({ source: 'first_party', verified: true, status: 'active' });
        for (const field of ['verified', 'status', 'suspended_reason', 'source']) {
            expect((await forum.as(FRIGG, 'POST', OWN, { ...PHONE, [field]: 'active' })).status).to.equal(400);
            expect((await forum.as(FRIGG, 'PATCH', `${OWN}/${own.id}`, { [field]: 'active' })).status).to.equal(400);
        }
    });

    it('is verified until its owner gives it another name or website, or one more redirect URI', async () => {
        const { client } = (await forum.as(FRIGG, 'POST', OWN, { ...PHONE, ...DETAILS })).body;
        const verify = async (): Promise<void> => {
            const verified = await forum.as(ODIN, 'PATCH', `${ALL}/${client.id}`, { verified: true });
            expect(verified.body.verified).to.be.true();
            expect(forum.events.at(-1)!.type).to.equal('client_verified');
        };
        const keeps = async (change: object, account = FRIGG): Promise<boolean> => {
            await verify();
            const path = account === FRIGG ? OWN : ALL;
            const changed = await forum.as(account, 'PATCH', `${path}/${client.id}`, change);
            expect(changed.status).to.equal(200);
            expect(forum.events.at(-1)!.type === 'client_unverified').to.equal(!changed.body.verified);
            await forum.as(ODIN, 'PATCH', `${ALL}/${client.id}`, { verified: false });
            return changed.body.verified;
        };
        expect(await keeps({ name: 'Another name' })).to.be.false();
        expect(await keeps({ client_uri: 'https://elsewhere.example' })).to.be.false();
        expect(await keeps({ client_uri: null })).to.be.false();
        const uris = [...PHONE.redirect_uris, 'https://app.example/more'];
        expect(await keeps({ redirect_uris: uris })).to.be.false();
        expect(await keeps({ redirect_uris: PHONE.redirect_uris })).to.be.true();
        expect(await keeps({ name: 'Another name', description: 'Other words', tos_uri: null })).to.be.true();
        expect(await keeps({ allowed_scopes: [] })).to.be.true();
        expect(await keeps({ name: 'Named by an administrator', redirect_uris: uris }, ODIN)).to.be.true();
    });

    it('keeps nothing for a new owner that the old one could use', async () => {
        const { client, client_secret: old } = await forum.createClient(FRIGG, BOT);
        const { client_secret: newer } = (
            await forum.as(FRIGG, 'POST', `${OWN}/${client.id}/secret`, { overlap_seconds: 600 })
        ).body;
        const tokenBy = (secret: string): Promise<Answer> =>
            forum.token({ grant_type: 'client_credentials' }, basic(client.client_id, secret));
        const { access_token: before } = (await tokenBy(old)).body;
        expect((await tokenBy(newer)).status).to.equal(200);
        await forum.as(ODIN, 'PATCH', `${ALL}/${client.id}`, { verified: true });

        forum.account(LOKI).permissions.push('CREATE_POST');
        const changed = await forum.as(ODIN, 'PATCH', `${ALL}/${client.id}`, { account_id: LOKI });
        expect(changed.body).to.include({ account_id: LOKI, verified: false });
        expect(changed.body.client_secret).to.match(/^sdoas_/);
        expect((await forum.as(ODIN, 'GET', `${ALL}/${client.id}`)).body).not.to.include('client_secret');
        for (const secret of [old, newer]) {
            expect((await tokenBy(secret)).body.error).to.equal('invalid_client');
        }
        const { body } = await tokenBy(changed.body.client_secret);
        expect(claimsOf(body.access_token).sub).to.equal(LOKI);
        const grants = forum.dataSource.getRepository(OAuthGrant);
        const id = String(claimsOf(before).grant_id);
        expect(await grants.findOneByOrFail({ id })).to.include({ endReason: 'owner_changed', standingFor: null });
        expect(JSON.stringify(forum.events)).not.to.contain(changed.body.client_secret as string);

        // The same owner again is no change.
        const same = await forum.as(ODIN, 'PATCH', `${ALL}/${client.id}`, { account_id: LOKI });
        expect(same.body).not.to.include('client_secret');
        expect((await tokenBy(changed.body.client_secret)).status).to.equal(200);
        forum.account(LOKI).permissions.pop();
    });

    it('has the secret whose hash an administrator gives, with a new owner or without', async () => {
        const { client, client_secret: old } = await forum.createClient(FRIGG, BOT);
        const secret = randomBytes(32).toString('hex');
        const hash = createHash('sha256').update(secret).digest('hex');
        const change = { client_secret_hash: hash };
        const changed = await forum.as(ODIN, 'PATCH', `${ALL}/${client.id}`, change);
        expect(changed.status).to.equal(200);
        expect(changed.body).not.to.include('client_secret');
        const works = async (each: string): Promise<boolean> =>
            (await forum.token({ grant_type: 'client_credentials' }, basic(client.client_id, each))).status === 200;
        expect([await works(old), await works(secret)]).to.equal([false, true]);
        const moved = await forum.as(ODIN, 'PATCH', `${ALL}/${client.id}`, { ...change, account_id: ODIN });
        expect(moved.body).not.to.include('client_secret');
        expect(await works(secret)).to.be.true();
        const { body: phone } = await forum.as(ODIN, 'POST', ALL, PHONE);
        const refused = await forum.as(ODIN, 'PATCH', `${ALL}/${phone.id}`, change);
        expectInvalid(refused, 'client_secret_hash', 'public');
        const short = await forum.as(ODIN, 'PATCH', `${ALL}/${client.id}`, { client_secret_hash: 'ab' });
        expectInvalid(short, 'client_secret_hash', 'short');
    });

    it('is what it says itself where it registered itself: administrators review it and take scopes away', async () => {
        for (const source of ['self_registered', 'metadata_document'] as const) {
            const { id } = await insertClient(forum.dataSource, { source, allowedScopes: 'openid email' });
            const change = (fields: object): Promise<Answer> => forum.as(ODIN, 'PATCH', `${ALL}/${id}`, fields);
            for (const fields of [
                { account_id: FRIGG },
                { name: 'Another' },
                { redirect_uris: [] },
                { client_id: 'another' },
                { allowed_grants: ['refresh_token'] },
                { scope_policy: 'inherit' },
                { client_uri: null },
                { allowed_scopes: ['openid', 'CREATE_POST'] }
            ]) {
                const answer = await change(fields);
                const [field] = Object.keys(fields);
                expect([answer.status, answer.body.error, answer.body.metadata], field).to.equal([
                    409,
                    'conflict',
                    { field, source }
                ]);
            }
            const reviewed = await change({ verified: true, status: 'suspended', allowed_scopes: ['openid'] });
            expect(reviewed.body).to.include({ verified: true, status: 'suspended' });
            expect(reviewed.body.allowed_scopes).to.equal(['openid']);
            await forum.dataSource.getRepository(OAuthClient).delete({ id });
        }
    });
});
