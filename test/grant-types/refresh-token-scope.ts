import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { createDevice, editClient, Holder, rowsOf, type Device } from '../support/token-family';
import { claimsOf, CLI, FRIGG, ODIN } from '../support/forum';
import { useForum } from '../support/setup';

const lab = Lab.script();
export { lab };
const { afterEach, describe, it } = lab;

const STANDARD = 'openid profile offline_access';
const FRIGGS = 'CREATE_POST READ_PUBLISHED_THREADS CREATE_REACTION READ_PROFILE USE_OAUTH_CLIENTS';

describe('the scope of a refresh', () => {
    const forum = useForum(lab);

    afterEach(() => {
        setPermissions(FRIGG, FRIGGS);
        setPermissions(ODIN, 'ADMINISTRATOR');
    });

    const setPermissions = (accountId: string, permissions: string): void => {
        forum.account(accountId).permissions = permissions.split(' ').filter(Boolean);
    };

    /** The first refresh token of a new token family. */
    const signIn = async (accountId = FRIGG, device?: Device): Promise<string> =>
        (await forum.signIn(accountId, { ...(device ?? CLI) })).refresh_token;

    /** What a refresh answers; a phone goes on with the successor. */
    const scopeOf = async (phone: Holder, fields: Record<string, string> = {}): Promise<string> => {
        const { status, body, text } = await forum.refresh(phone.refreshToken, fields);
        expect(status, text).to.equal(200);
        expect(claimsOf(body.access_token as string).scope).to.equal(body.scope);
        phone.refreshToken = body.refresh_token;
        return body.scope as string;
    };

    describe('when the client asks for less', () => {
        it('is what it asked for, in its order and once, for this time only', async () => {
            const phone = new Holder(forum, await signIn());
            expect(await scopeOf(phone, { scope: 'READ_PROFILE CREATE_POST READ_PROFILE' })).to.equal(
                'READ_PROFILE CREATE_POST'
            );
            expect(await scopeOf(phone)).to.equal(`${STANDARD} ${FRIGGS}`);
            expect(await scopeOf(phone, { scope: '' })).to.equal(`${STANDARD} ${FRIGGS}`);
        });

        it('leaves the ID token out where openid is, and never the successor', async () => {
            const first = await signIn();
            const without = await forum.refresh(first, { scope: 'CREATE_POST' });
            expect(without.body.id_token).to.be.undefined();
            expect(without.body.refresh_token).to.be.a.string();
            const openid = await forum.refresh(without.body.refresh_token as string, { scope: 'openid' });
            const claims = claimsOf(openid.body.id_token as string);
            expect(claims.sub).to.equal(FRIGG);
            expect(claims).to.not.include(['name', 'preferred_username', 'email']);
            expect(openid.body.refresh_token).to.be.a.string();
        });

        it('may differ between a request and its repetition', async () => {
            const token = await signIn();
            const one = await forum.refresh(token, { scope: 'CREATE_POST' });
            const two = await forum.refresh(token, { scope: 'READ_PROFILE' });
            const three = await forum.refresh(token);
            expect([one, two, three].map(({ body }) => body.scope as string)).to.equal([
                'CREATE_POST',
                'READ_PROFILE',
                `${STANDARD} ${FRIGGS}`
            ]);
            expect(new Set([one, two, three].map(({ body }) => body.refresh_token as string)).size).to.equal(1);
        });

        it('cannot be what the token family never had, and then nothing is spent', async () => {
            const token = await signIn();
            setPermissions(FRIGG, `${FRIGGS} MANAGE_POSTS`);
            for (const scope of [
                'MANAGE_POSTS',
                'email',
                'CREATE_POST MANAGE_POSTS',
                'ADMINISTRATOR',
                'NO_SUCH',
                'é'
            ]) {
                const answer = await forum.refresh(token, { scope });
                expect([answer.status, answer.body.error], scope).to.equal([400, 'invalid_scope']);
            }
            expect((await rowsOf(forum.dataSource, token)).length).to.equal(1);
            // Nor on a retry.
            expect((await forum.refresh(token)).status).to.equal(200);
            expect((await forum.refresh(token, { scope: 'MANAGE_POSTS' })).body.error).to.equal('invalid_scope');
            expect((await forum.refresh(token)).status).to.equal(200);
        });

        it('leaves out what the token family has lost', async () => {
            const phone = new Holder(forum, await signIn());
            setPermissions(FRIGG, 'READ_PROFILE');
            expect(await scopeOf(phone, { scope: 'CREATE_POST READ_PROFILE' })).to.equal('READ_PROFILE');
            expect(await scopeOf(phone, { scope: 'CREATE_POST' })).to.equal('');
            setPermissions(FRIGG, FRIGGS);
            expect(await scopeOf(phone, { scope: 'CREATE_POST openid' })).to.equal('openid');
        });

        it('may name single permissions of an administrator', async () => {
            const phone = new Holder(forum, await signIn(ODIN));
            expect(await scopeOf(phone, { scope: 'MANAGE_ROLES openid' })).to.equal('MANAGE_ROLES openid');
            expect(await scopeOf(phone, { scope: 'ADMINISTRATOR' })).to.equal('ADMINISTRATOR');
            const email = await forum.refresh(phone.refreshToken, { scope: 'email' });
            expect(email.body.error).to.equal('invalid_scope');
        });
    });

    describe('when the account changes', () => {
        it('loses what the account has lost, for good', async () => {
            const phone = new Holder(forum, await signIn());
            setPermissions(FRIGG, 'READ_PROFILE CREATE_POST');
            expect(await scopeOf(phone)).to.equal(`${STANDARD} CREATE_POST READ_PROFILE`);
            setPermissions(FRIGG, FRIGGS);
            expect(await scopeOf(phone)).to.equal(`${STANDARD} CREATE_POST READ_PROFILE`);
            expect(await scopeOf(phone, { scope: 'USE_OAUTH_CLIENTS READ_PROFILE' })).to.equal('READ_PROFILE');
        });

        it('loses what the whole token family has lost even when less was asked for meanwhile', async () => {
            const phone = new Holder(forum, await signIn());
            setPermissions(FRIGG, 'READ_PROFILE');
            expect(await scopeOf(phone, { scope: 'openid' })).to.equal('openid');
            setPermissions(FRIGG, FRIGGS);
            expect(await scopeOf(phone)).to.equal(`${STANDARD} READ_PROFILE`);
        });

        it('keeps what was lost and regained between two refreshes', async () => {
            const phone = new Holder(forum, await signIn());
            setPermissions(FRIGG, '');
            setPermissions(FRIGG, FRIGGS);
            expect(await scopeOf(phone)).to.equal(`${STANDARD} ${FRIGGS}`);
        });

        it('gains nothing by a promotion', async () => {
            const phone = new Holder(forum, await signIn());
            setPermissions(FRIGG, `${FRIGGS} MANAGE_POSTS`);
            expect(await scopeOf(phone)).to.equal(`${STANDARD} ${FRIGGS}`);
            setPermissions(FRIGG, 'ADMINISTRATOR');
            expect(await scopeOf(phone)).to.equal(`${STANDARD} ${FRIGGS}`);
        });

        it('keeps what a demoted administrator still holds, and no more after another promotion', async () => {
            const phone = new Holder(forum, await signIn(ODIN));
            expect(await scopeOf(phone)).to.equal(`${STANDARD} ADMINISTRATOR`);
            setPermissions(ODIN, 'MANAGE_POSTS CREATE_POST');
            expect(await scopeOf(phone)).to.equal(`${STANDARD} CREATE_POST MANAGE_POSTS`);
            setPermissions(ODIN, 'ADMINISTRATOR');
            expect(await scopeOf(phone)).to.equal(`${STANDARD} CREATE_POST MANAGE_POSTS`);
            expect(await scopeOf(phone, { scope: 'MANAGE_ROLES CREATE_POST' })).to.equal('CREATE_POST');
        });

        it('can become empty of permissions, and the token family lives', async () => {
            const device = await createDevice(forum);
            const phone = new Holder(forum, await signIn(FRIGG, device));
            setPermissions(FRIGG, '');
            const fields = { client_id: device.client_id };
            expect(await scopeOf(phone, fields)).to.equal('offline_access');
            expect(await scopeOf(phone, { ...fields, scope: 'READ_PUBLISHED_THREADS' })).to.equal('');
        });
    });

    describe('when the application changes', () => {
        it('loses what an explicit one is no longer allowed, for good', async () => {
            const device = await createDevice(forum, 'openid offline_access READ_PUBLISHED_THREADS CREATE_POST');
            const fields = { client_id: device.client_id };
            const phone = new Holder(forum, await signIn(FRIGG, device));
            expect(await scopeOf(phone, fields)).to.equal(device.scope);
            await editClient(forum.dataSource, device.client_id, { allowedScopes: 'offline_access CREATE_POST' });
            expect(await scopeOf(phone, fields)).to.equal('offline_access CREATE_POST');
            await editClient(forum.dataSource, device.client_id, { allowedScopes: `${device.scope} READ_PROFILE` });
            expect(await scopeOf(phone, fields)).to.equal('offline_access CREATE_POST');
        });

        it('gains nothing when it is allowed more', async () => {
            const device = await createDevice(forum);
            const fields = { client_id: device.client_id };
            const phone = new Holder(forum, await signIn(FRIGG, device));
            await editClient(forum.dataSource, device.client_id, {
                allowedScopes: 'openid offline_access ADMINISTRATOR'
            });
            expect(await scopeOf(phone, fields)).to.equal('offline_access READ_PUBLISHED_THREADS');
            const more = await forum.refresh(phone.refreshToken, { ...fields, scope: 'CREATE_POST' });
            expect(more.body.error).to.equal('invalid_scope');
        });
    });

    describe('on a retry', () => {
        it('is computed anew, and what is lost does not come back', async () => {
            const token = await signIn();
            expect((await forum.refresh(token)).body.scope).to.equal(`${STANDARD} ${FRIGGS}`);
            setPermissions(FRIGG, 'READ_PROFILE CREATE_POST');
            const retried = await forum.refresh(token);
            expect(retried.body.scope).to.equal(`${STANDARD} CREATE_POST READ_PROFILE`);
            setPermissions(FRIGG, FRIGGS);
            expect((await forum.refresh(token)).body.scope).to.equal(`${STANDARD} CREATE_POST READ_PROFILE`);
            const phone = new Holder(forum, retried.body.refresh_token as string);
            expect(await scopeOf(phone)).to.equal(`${STANDARD} CREATE_POST READ_PROFILE`);
        });

        it('does not get what the rotation had lost already', async () => {
            const token = await signIn();
            setPermissions(FRIGG, 'READ_PROFILE');
            expect((await forum.refresh(token)).body.scope).to.equal(`${STANDARD} READ_PROFILE`);
            setPermissions(FRIGG, FRIGGS);
            expect((await forum.refresh(token)).body.scope).to.equal(`${STANDARD} READ_PROFILE`);
        });

        it('loses what any of several at once has lost', async () => {
            const token = await signIn();
            const all = FRIGGS.split(' ');
            await forum.refresh(token);
            // Each request finds the account without another permission.
            let asked = 0;
            const flickering = await forum.another({
                accounts: {
                    find: (id) => {
                        const without = all[asked++ % 3];
                        const permissions = all.filter((name) => name !== without);
                        return Promise.resolve({ ...forum.account(id), permissions });
                    }
                }
            });
            const answers = await Promise.all([1, 2, 3].map(() => flickering.refresh(token)));
            expect(answers.map(({ status }) => status)).to.equal([200, 200, 200]);
            const [first, second] = (await rowsOf(forum.dataSource, token)).map(({ scope }) => scope.split(' '));
            expect(first!.join(' ')).to.equal(`${STANDARD} ${FRIGGS}`);
            // A request that was overtaken asks again and may hear of another loss; what was answered stays lost.
            const told = answers.map(({ body }) => (body.scope as string).split(' '));
            expect(second).to.equal(first!.filter((name) => told.every((scope) => scope.includes(name))));
            expect(second!.length).to.be.below(first!.length);
            const left = second!.join(' ');
            expect(await scopeOf(new Holder(forum, answers[0]!.body.refresh_token as string))).to.equal(left);
        });
    });

    it('is listed as it is now', async () => {
        const phone = new Holder(forum, await signIn(ODIN));
        setPermissions(ODIN, 'READ_PROFILE');
        await scopeOf(phone, { scope: 'openid' });
        const { body } = await forum.as(ODIN, 'GET', '/auth/oauth/tokens?status=active');
        expect(body.tokens[0].scope).to.equal(`${STANDARD} READ_PROFILE`);
    });
});
