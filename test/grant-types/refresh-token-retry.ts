import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import type { Lifetimes } from '../../plugin/index';
import { Holder, rowsOf, storedGrant } from '../support/token-family';
import type { Forum } from '../support/forum';
import { claimsOf, START } from '../support/forum';
import { openForum, useDatabase } from '../support/setup';

const lab = Lab.script();
export { lab };
const { describe, it } = lab;

describe('a repeated refresh', () => {
    const database = useDatabase(lab);

    const open = (lifetimes: Partial<Lifetimes> = {}): Promise<Forum> => openForum(database, { lifetimes });

    /** A phone that lost the answer to a refresh, and the answer. */
    const lostAnswer = async (forum: Forum): Promise<{ phone: Holder; successor: string }> => {
        const phone = new Holder(forum, (await forum.signIn()).refresh_token);
        const lost = await phone.loseResponse();
        expect(lost.status, lost.text).to.equal(200);
        return { phone, successor: lost.body.refresh_token };
    };

    const expectRefused = async (phone: Holder, family: 'lives' | 'ended'): Promise<void> => {
        const answer = await phone.loseResponse();
        expect([answer.status, answer.body.error]).to.equal([400, 'invalid_grant']);
        const { endReason } = await storedGrant(database.dataSource, phone.refreshToken);
        expect(endReason).to.equal(family === 'lives' ? null : 'refresh_token_reused');
    };

    it('gets the same successor and an access token of its own time', async () => {
        const forum = await open();
        const phone = new Holder(forum, (await forum.signIn()).refresh_token);
        const lost = await phone.loseResponse();
        forum.pass(59);
        const again = await phone.loseResponse();
        expect(again.status).to.equal(200);
        expect(again.body.refresh_token).to.equal(lost.body.refresh_token);
        expect(again.body.scope).to.equal(lost.body.scope);
        const [first, second] = [lost, again].map(({ body }) => claimsOf(body.access_token as string));
        expect(second!.jti).to.not.equal(first!.jti);
        expect(second!.exp).to.equal(Math.floor(forum.now / 1000) + 900);
        expect(claimsOf(again.body.id_token as string).iat).to.equal(Math.floor(forum.now / 1000));
    });

    it('has a minute that counts from the rotation, however often it is used', async () => {
        const forum = await open();
        const { phone, successor } = await lostAnswer(forum);
        for (const elapsed of [20, 40, 59.999]) {
            forum.now = START + elapsed * 1000;
            expect((await phone.loseResponse()).body.refresh_token, `${elapsed} s`).to.equal(successor);
        }
        forum.now = START + 60_000;
        await expectRefused(phone, 'ended');
        expect((await forum.refresh(successor)).body.error).to.equal('invalid_grant');
    });

    it('lengthens no lifetime', async () => {
        const forum = await open();
        const { phone } = await lostAnswer(forum);
        const stored = await rowsOf(database.dataSource, phone.refreshToken);
        forum.pass(30);
        await phone.loseResponse();
        expect(await rowsOf(database.dataSource, phone.refreshToken)).to.equal(stored);
    });

    it('is refused once the successor has been used, and the token family lives', async () => {
        const forum = await open();
        const { phone, successor } = await lostAnswer(forum);
        const app = new Holder(forum, successor);
        await app.refresh();
        forum.pass(59.999);
        await expectRefused(phone, 'lives');
        expect((await app.loseResponse()).status).to.equal(200);

        // The same when the token family has gone on further.
        await app.refresh();
        await app.refresh();
        phone.refreshToken = successor;
        await expectRefused(phone, 'lives');
        expect((await app.refresh()).status).to.equal(200);
    });

    it('revokes the grant after the window also when the successor has been used', async () => {
        const forum = await open();
        const { phone, successor } = await lostAnswer(forum);
        const app = new Holder(forum, successor);
        forum.pass(59);
        await app.refresh();
        forum.pass(1);
        await expectRefused(phone, 'ended');
        expect((await app.refresh()).body.error).to.equal('invalid_grant');
    });

    it('does not mind that the presented token has expired meanwhile', async () => {
        const forum = await open();
        const phone = new Holder(forum, (await forum.signIn()).refresh_token);
        forum.pass(2_592_000 - 1);
        const lost = await phone.loseResponse();
        expect(lost.status).to.equal(200);
        forum.pass(30);
        expect((await phone.loseResponse()).body.refresh_token).to.equal(lost.body.refresh_token);
    });

    it('minds that the successor has expired', async () => {
        const forum = await open({ refreshToken: 30, refreshRetryWindow: 300 });
        const { phone, successor } = await lostAnswer(forum);
        forum.pass(29.999);
        expect((await phone.loseResponse()).body.refresh_token).to.equal(successor);
        forum.pass(0.001);
        await expectRefused(phone, 'lives');
    });

    it('is reuse at once where the window is turned off', async () => {
        const forum = await open({ refreshRetryWindow: 0 });
        const { phone, successor } = await lostAnswer(forum);
        expect((await rowsOf(database.dataSource, successor))[1]!.sealedToken).to.be.null();
        await expectRefused(phone, 'ended');
        expect((await forum.refresh(successor)).body.error).to.equal('invalid_grant');
    });

    for (const window of [1, 600, 86_400]) {
        it(`has the window that the forum gives it: ${window} s`, async () => {
            const forum = await open({ refreshRetryWindow: window });
            const { phone, successor } = await lostAnswer(forum);
            forum.pass(window - 0.001);
            expect((await phone.loseResponse()).body.refresh_token).to.equal(successor);
            forum.pass(0.001);
            await expectRefused(phone, 'ended');
        });
    }

    it('may come late more than once within a long window', async () => {
        const forum = await open({ refreshRetryWindow: 86_400 });
        const phone = new Holder(forum, (await forum.signIn()).refresh_token);
        for (let round = 0; round < 3; ++round) {
            const lost = await phone.loseResponse();
            forum.pass(80_000);
            const answer = await phone.refresh();
            expect(answer.body.refresh_token).to.equal(lost.body.refresh_token);
        }
    });

    it('keeps the window under which the token was rotated', async () => {
        const before = await open({ refreshRetryWindow: 60 });
        const { phone } = await lostAnswer(before);
        const since = await open({ refreshRetryWindow: 86_400 });
        since.pass(60);
        const late = new Holder(since, phone.refreshToken);
        await expectRefused(late, 'ended');
    });

    it('hands out a token that can be used as if nothing had been lost', async () => {
        const forum = await open();
        const { phone } = await lostAnswer(forum);
        forum.pass(30);
        await phone.refresh();
        forum.pass(86_400);
        expect((await phone.refresh()).status).to.equal(200);
        expect((await rowsOf(database.dataSource, phone.refreshToken)).length).to.equal(3);
    });

    it('is invalid_grant and no more once the cleanup has erased what was encrypted', async () => {
        const forum = await open();
        const { phone, successor } = await lostAnswer(forum);
        await database.dataSource.query(
            'UPDATE oauth_refresh_tokens SET sealed_token = NULL WHERE sealed_token IS NOT NULL'
        );
        await expectRefused(phone, 'lives');
        expect((await forum.refresh(successor)).status).to.equal(200);
    });

    it('finds out a thief and a victim who take turns', async () => {
        for (const first of ['thief', 'victim'] as const) {
            const forum = await open();
            const stolen = (await forum.signIn()).refresh_token;
            const people = { thief: new Holder(forum, stolen), victim: new Holder(forum, stolen) };
            const second = first === 'thief' ? 'victim' : 'thief';
            expect((await people[first].refresh()).status).to.equal(200);
            forum.pass(900);
            expect((await people[second].refresh()).body.error).to.equal('invalid_grant');
            forum.pass(900);
            expect((await people[first].refresh()).body.error).to.equal('invalid_grant');
            expect((await storedGrant(database.dataSource, stolen)).endReason).to.equal('refresh_token_reused');
        }
    });

    it('finds them out also when the second came within the window', async () => {
        const forum = await open();
        const stolen = (await forum.signIn()).refresh_token;
        const [thief, victim] = [new Holder(forum, stolen), new Holder(forum, stolen)];
        await thief.refresh();
        forum.pass(30);
        await victim.refresh();
        expect(victim.refreshToken).to.equal(thief.refreshToken);
        forum.pass(900);
        expect((await victim.refresh()).status).to.equal(200);
        forum.pass(900);
        expect((await thief.refresh()).body.error).to.equal('invalid_grant');
        expect((await victim.refresh()).body.error).to.equal('invalid_grant');
    });
});
