import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { OAuthClient } from '../../entities';
import { bearer, decideRequest, pkce, readRequest, redeem } from '../support/authorization';
import { askAs, DocumentHost, requestIdOf } from '../support/document-host';
import { DEVICE_CODE, FRIGG, ODIN, type Answer, type Forum } from '../support/forum';
import type { Options } from '../../plugin';
import { openForum, useDatabase } from '../support/setup';

const lab = Lab.script();
export { lab };
const { after, before, beforeEach, describe, it } = lab;

const ISSUER = 'http://localhost:3000';
const GOOD = 'https://good.example/cb';

describe('a client with a metadata document', () => {
    const database = useDatabase(lab);
    let host: DocumentHost;
    let forum: Forum;
    let member: string;
    let url: string;

    const open = (documents: object = {}, more: object = {}): Promise<Forum> =>
        openForum(database, { issuer: ISSUER, clientMetadataDocuments: host.options(documents), ...more });

    before(async () => {
        host = await DocumentHost.start();
        forum = await open();
    });

    after(() => host.stop());

    beforeEach(() => {
        host.serve();
        host.fetches.length = 0;
        forum.events.length = 0;
        member = forum.addAccount();
        url = host.newUrl();
    });

    const rows = () => database.dataSource.getRepository(OAuthClient);
    const rowOf = (clientId = url) => rows().findOneByOrFail({ clientId });

    const review = async (change: object): Promise<Answer> =>
        forum.as(ODIN, 'PATCH', `/admin/oauth/clients/${(await rowOf()).id}`, change);

    const outcome = ({ status, body, headers }: Answer): unknown[] => [
        status,
        headers.location === undefined ? body.error : new URL(headers.location).pathname
    ];

    const ASKED = [303, '/oauth/authorize/consent'];

    const accessToken = async (): Promise<string> => {
        const { verifier, challenge } = pkce();
        const request = requestIdOf(await askAs(forum, member, url, { code_challenge: challenge }))!;
        const { body } = await decideRequest(forum, member, request);
        const code = new URL(body.location as string).searchParams.get('code')!;
        const redirectUri = 'https://agent.example/cb';
        const app = { id: '', client_id: url, redirectUri };
        return (await redeem(forum, { app, code, redirectUri, verifier })).body.access_token as string;
    };

    it('is what a pinned document says, whatever was stored before', async () => {
        expect(outcome(await askAs(forum, member, url))).to.equal(ASKED);
        const pinning = await open({
            pinned: { [url]: host.document(url, { client_name: 'The real one', redirect_uris: [GOOD] }) }
        });
        expect((await askAs(pinning, FRIGG, url)).status).to.equal(400);
        const request = requestIdOf(await askAs(pinning, FRIGG, url, { redirect_uri: GOOD }))!;
        const { body } = await readRequest(pinning, FRIGG, request);
        expect(body).to.include({ client_name: 'The real one', verified: true });
        expect(await rowOf()).to.include({ name: 'The real one', metadataFetchedAt: null });
        expect(host.fetches.length).to.equal(1);
    });

    it('can ask for a device code by a pinned document that nobody has met', async () => {
        const grants = { grant_types: [DEVICE_CODE, 'authorization_code'] };
        const pinning = await open({ pinned: { [url]: host.document(url, grants) } });
        const fields = { client_id: url, scope: 'openid' };
        const { status, text } = await pinning.form('/oauth/device_authorization', fields);
        expect(status, text).to.equal(200);
    });

    it('has no older document for one that is gone or not acceptable, however often it is asked', async () => {
        for (const wrong of [() => host.fail(404), () => host.fail(410), () => host.serve({ client_id: 'other' })]) {
            url = host.newUrl();
            host.serve();
            expect(outcome(await askAs(forum, member, url))).to.equal(ASKED);
            forum.pass(301);
            wrong();
            expect(outcome(await askAs(forum, member, url))).to.equal([400, 'invalid_client']);
            expect(outcome(await askAs(forum, member, url))).to.equal([429, 'temporarily_unavailable']);
            forum.pass(11);
            host.serve();
            expect(outcome(await askAs(forum, member, url))).to.equal(ASKED);
        }
    });

    it('is not verified again by a fetch that began before it was', async () => {
        await askAs(forum, member, url);
        await review({ verified: true });
        forum.pass(301);
        const held = host.hold({ client_uri: undefined, tos_uri: 'https://agent.example/tos' });
        const asking = askAs(forum, member, url);
        await held.asked;
        expect((await review({ verified: false })).body.verified).to.be.false();
        held.release();
        expect(outcome(await asking)).to.equal(ASKED);
        expect(await rowOf()).to.include({ verified: false, tosUri: 'https://agent.example/tos' });
    });

    it('is verified by the options as long as they say so, and never in its row', async () => {
        const trusting = await open({ trusted: [url] });
        const request = requestIdOf(await askAs(trusting, FRIGG, url))!;
        expect((await readRequest(trusting, FRIGG, request)).body.verified).to.be.true();
        const { id, verified } = await rowOf();
        expect(verified).to.be.false();
        const path = `/admin/oauth/clients/${id}`;
        expect((await trusting.as(ODIN, 'GET', path)).body.verified).to.be.true();
        expect((await forum.as(ODIN, 'GET', path)).body.verified).to.be.false();
    });

    it('tells when a new document costs it its verification', async () => {
        await askAs(forum, member, url);
        await review({ verified: true });
        forum.pass(301);
        host.serve({ client_name: 'Another' });
        await askAs(forum, member, url);
        const types = forum.events
            .filter((event) => 'client_id' in event && event.client_id === url)
            .map(({ type }) => type);
        expect(types).to.include(['client_unverified', 'client_metadata_changed']);
    });

    it('stays suspended when two requests bring it back after its deletion', async () => {
        await askAs(forum, member, url);
        const { id } = await rowOf();
        expect((await forum.as(ODIN, 'DELETE', `/admin/oauth/clients/${id}`)).status).to.equal(204);
        const second = await open();
        const held = host.hold();
        const late = askAs(second, FRIGG, url);
        await held.asked;
        host.serve();
        forum.pass(301);
        second.now = forum.now;
        expect(outcome(await askAs(forum, member, url))).to.equal(ASKED);
        expect((await review({ status: 'suspended' })).status).to.equal(200);
        held.release();
        expect(outcome(await late)).to.equal([400, 'unauthorized_client']);
        expect((await rowOf()).status).to.equal('suspended');
    });

    it('tells a frame, a picture and a prefetch nothing of who is signed in, and is not fetched for them', async () => {
        const known = host.newUrl();
        await askAs(forum, member, known);
        host.fetches.length = 0;
        const silent = { prompt: 'none' };
        const frame = { 'sec-fetch-dest': 'iframe' };
        for (const account of [member, null]) {
            const { status, headers } = await askAs(forum, account, known, silent, frame);
            expect(status).to.equal(303);
            expect(new URL(headers.location!).searchParams.get('error')).to.equal('login_required');
        }
        for (const headers of [frame, { 'sec-fetch-dest': 'image' }, { 'sec-purpose': 'prefetch' }]) {
            expect((await askAs(forum, member, url, {}, headers)).status).to.equal(400);
        }
        expect((await askAs(forum, member, url, { redirect_uri: '' })).body.error).to.equal('invalid_request');
        expect(host.fetches).to.equal([]);
    });

    it('that is trusted is told that nobody is signed in, where it asks silently', async () => {
        const trusting = await open({ trusted: [url] });
        await askAs(trusting, FRIGG, url);
        const { status, headers } = await askAs(trusting, null, url, { prompt: 'none' });
        expect(status).to.equal(303);
        expect(new URL(headers.location!).searchParams.get('error')).to.equal('login_required');
    });

    it('has its new redirect URIs although it was changed while its document was fetched', async () => {
        await askAs(forum, member, url);
        forum.pass(301);
        const held = host.hold({ redirect_uris: [GOOD] }, { 'cache-control': 'max-age=86400' });
        const asking = askAs(forum, member, url, { redirect_uri: GOOD });
        await held.asked;
        expect((await review({ allowed_scopes: ['openid'] })).status).to.equal(200);
        held.release();
        expect(outcome(await asking)).to.equal(ASKED);
        expect((await askAs(forum, member, url)).status).to.equal(400);
        expect(await rowOf()).to.include({ allowedScopes: 'openid', redirectUris: JSON.stringify([GOOD]) });
    });

    it('is neither fetched nor stored where the options do not let it in, and not fetched while it is suspended', async () => {
        const closed = await open({ allow: () => false });
        expect(outcome(await askAs(closed, FRIGG, url))).to.equal([400, 'unauthorized_client']);
        expect(await rows().findOneBy({ clientId: url })).to.be.null();
        expect(host.fetches).to.equal([]);

        await askAs(forum, member, url);
        await review({ status: 'suspended' });
        forum.pass(301);
        expect(outcome(await askAs(forum, member, url))).to.equal([400, 'unauthorized_client']);
        expect(host.fetches.length).to.equal(1);
    });

    it('is as good as suspended for userinfo too, where the options do not let it in', async () => {
        const token = await accessToken();
        const at = (where: Forum): Promise<Answer> =>
            where.as(null, 'GET', '/oauth/userinfo', undefined, bearer(token));
        expect((await at(forum)).status).to.equal(200);
        for (const closed of [await open({ allow: () => false }), await open({}, { clientMetadataDocuments: false })]) {
            closed.now = forum.now;
            closed.accounts.set(member, forum.accounts.get(member)!);
            expect((await at(closed)).status).to.equal(401);
        }
    });

    it('may ask for no more than the options name now', async () => {
        const scope = { scope: 'openid READ_PUBLISHED_THREADS' };
        await askAs(forum, member, url, scope);
        const narrow = await open({ scopes: [] });
        const request = requestIdOf(await askAs(narrow, FRIGG, url, scope))!;
        const { body } = await readRequest(narrow, FRIGG, request);
        expect(body.granted_scopes).to.equal(['openid', 'offline_access']);
    });

    it('is refused where nothing of what it asks for is allowed, whatever is added to it', async () => {
        const { status, body } = await askAs(forum, member, url, { scope: 'CREATE_POST' });
        expect([status, body.error]).to.equal([400, 'invalid_scope']);
    });

    it('is named by the end of its host, where that is very long', async () => {
        const long = `https://${'a'.repeat(60)}.${'b'.repeat(60)}.${'c'.repeat(60)}.${'d'.repeat(30)}.example/client`;
        const pinning = await open({ pinned: { [long]: host.document(long, { client_name: 'Storyden' }) } });
        expect(outcome(await askAs(pinning, FRIGG, long))).to.equal(ASKED);
        const { name } = await rowOf(long);
        expect(name.length).to.equal(200);
        expect(name).to.endWith(`${'d'.repeat(30)}.example`);
    });

    it('is not looked up by a person who asks too often', async () => {
        const limited = await open({}, { limits: { authorize: { points: 1, seconds: 60 } } });
        await askAs(limited, FRIGG, url);
        host.fetches.length = 0;
        expect((await askAs(limited, FRIGG, host.newUrl())).status).to.equal(429);
        expect(host.fetches).to.equal([]);
    });

    it('costs an account one of its ten an hour, however often it fails', async () => {
        host.fail(403);
        for (let times = 0; times < 11; ++times) {
            expect((await askAs(forum, member, url)).status).to.equal(400);
            forum.pass(11);
        }
        for (let urls = 0; urls < 9; ++urls) {
            expect((await askAs(forum, member, host.newUrl())).status).to.equal(400);
        }
        expect((await askAs(forum, member, host.newUrl())).status).to.equal(429);
        forum.pass(3600);
        expect((await askAs(forum, member, host.newUrl())).status).to.equal(400);
    });

    it('demands one sign-in, not two', async () => {
        let signedIn = Math.floor(forum.now / 1000);
        const session = { strategy: 'session', authTime: () => signedIn } as unknown as Options['session'];
        const telling = await open({}, { session });
        telling.now = forum.now;
        const { headers } = await askAs(telling, null, url, { prompt: 'login' });
        const back = new URL(headers.location!).searchParams.get('return_to')!;
        telling.pass(5);
        signedIn = Math.floor(telling.now / 1000);
        expect(outcome(await telling.as(FRIGG, 'GET', back.replace(/^\/api/, '')))).to.equal(ASKED);
    });
});

describe('the options for metadata documents', () => {
    const database = useDatabase(lab);

    it('stop the registration for a URL or a document that would be refused', async () => {
        const url = 'https://agent.example/client';
        const document = { client_id: url, redirect_uris: [GOOD] };
        const start = (clientMetadataDocuments: object): Promise<Forum> =>
            openForum(database, { clientMetadataDocuments });
        await expect(start({ trusted: ['nonsense'] })).to.reject(/trusted/);
        await expect(start({ pinned: { nonsense: document } })).to.reject(/pinned/);
        await expect(start({ pinned: { [url]: { ...document, client_id: 'other' } } })).to.reject(/its client_id/);
        await expect(start({ pinned: { [url]: { client_id: url } } })).to.reject(/redirect_uris/);
        await start({ pinned: { [url]: document }, trusted: [url] });
    });
});
