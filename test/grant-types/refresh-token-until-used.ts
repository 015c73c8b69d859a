import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { Holder, rowsOf, storedGrant } from '../support/token-family';
import { useForum } from '../support/setup';

const lab = Lab.script();
export { lab };
const { describe, it } = lab;

const HOUR = 3600;
const DAY = 24 * HOUR;

describe("a refresh that may be repeated 'until-used'", () => {
    const forum = useForum(lab, { options: { lifetimes: { refreshRetryWindow: 'until-used' } } });

    const signIn = async (): Promise<Holder> => new Holder(forum, (await forum.signIn()).refresh_token);

    /** A phone whose refresh was answered with `successor`, which it never saw. */
    const lostAnswer = async (): Promise<{ phone: Holder; successor: string }> => {
        const phone = await signIn();
        const lost = await phone.loseResponse();
        expect(lost.status, lost.text).to.equal(200);
        return { phone, successor: lost.body.refresh_token };
    };

    const expectRefused = async (phone: Holder, family: 'lives' | 'ended'): Promise<void> => {
        const answer = await phone.loseResponse();
        expect([answer.status, answer.body.error]).to.equal([400, 'invalid_grant']);
        const { endReason } = await storedGrant(forum.dataSource, phone.refreshToken);
        expect(endReason).to.equal(family === 'lives' ? null : 'refresh_token_reused');
    };

    it('is served hours and days later, as often as it comes', async () => {
        const { phone, successor } = await lostAnswer();
        for (const later of [30, 60, 6 * HOUR, 10 * DAY]) {
            forum.pass(later);
            const answer = await phone.loseResponse();
            expect([answer.status, answer.body.refresh_token]).to.equal([200, successor]);
        }
        phone.refreshToken = successor;
        expect((await phone.refresh()).status).to.equal(200);
        forum.pass(HOUR);
        expect((await phone.refresh()).status).to.equal(200);
    });

    it('does not mind that the presented token has expired, but that its successor has', async () => {
        const phone = await signIn();
        forum.pass(29 * DAY);
        const lost = await phone.loseResponse();
        forum.pass(30 * DAY - 1);
        expect((await phone.loseResponse()).body.refresh_token).to.equal(lost.body.refresh_token);
        forum.pass(1);
        await expectRefused(phone, 'lives');
        expect((await forum.refresh(lost.body.refresh_token as string)).body.error).to.equal('invalid_grant');
    });

    it('lengthens no lifetime', async () => {
        const { phone } = await lostAnswer();
        const expiries = async (): Promise<number[]> =>
            (await rowsOf(forum.dataSource, phone.refreshToken)).map(({ expiresAt }) => expiresAt);
        const before = await expiries();
        forum.pass(DAY);
        await phone.loseResponse();
        expect(await expiries()).to.equal(before);
    });

    it('is invalid_grant for a minute after the successor was first used, and then reuse', async () => {
        const { phone, successor } = await lostAnswer();
        forum.pass(5 * HOUR);
        const app = new Holder(forum, successor);
        await app.refresh();
        await expectRefused(phone, 'lives');
        forum.pass(30);
        // Later rotations do not begin the minute anew.
        await app.refresh();
        forum.pass(29.999);
        await expectRefused(phone, 'lives');
        forum.pass(0.001);
        await expectRefused(phone, 'ended');
        expect((await app.refresh()).body.error).to.equal('invalid_grant');
    });

    it('rotates a token that was handed out late under a window of a minute', async () => {
        const { phone } = await lostAnswer();
        forum.pass(HOUR);
        expect((await phone.refresh()).status).to.equal(200);
        forum.pass(HOUR);
        const lost = await phone.loseResponse();
        expect(lost.status).to.equal(200);
        const rotated = (await rowsOf(forum.dataSource, phone.refreshToken)).at(-1)!;
        expect(rotated.retryUntil).to.equal(forum.now + 60_000);
        forum.pass(59.999);
        expect((await phone.loseResponse()).body.refresh_token).to.equal(lost.body.refresh_token);
        forum.pass(0.001);
        await expectRefused(phone, 'ended');
    });

    it('may come late again after a rotation whose answer arrived', async () => {
        const { phone } = await lostAnswer();
        for (let round = 0; round < 3; ++round) {
            forum.pass(HOUR);
            expect((await phone.refresh()).status).to.equal(200);
            forum.pass(HOUR);
            expect((await phone.refresh()).status).to.equal(200);
            forum.pass(HOUR);
            expect((await phone.loseResponse()).status).to.equal(200);
        }
    });

    it('is not late within a minute', async () => {
        const { phone } = await lostAnswer();
        for (let round = 0; round < 3; ++round) {
            forum.pass(59.999);
            expect((await phone.refresh()).status).to.equal(200);
            expect((await phone.loseResponse()).status).to.equal(200);
        }
        // None of these hand-outs was late, so this one may be.
        forum.pass(HOUR);
        expect((await phone.refresh()).status).to.equal(200);
    });

    it('is late from a minute on', async () => {
        const { phone } = await lostAnswer();
        forum.pass(60.001);
        await phone.refresh();
        await phone.loseResponse();
        forum.pass(60.001);
        await expectRefused(phone, 'ended');
    });

    it('stays late when it is handed out once more', async () => {
        const { phone } = await lostAnswer();
        forum.pass(HOUR);
        await phone.loseResponse();
        await phone.loseResponse();
        await phone.refresh();
        await phone.loseResponse();
        forum.pass(60);
        await expectRefused(phone, 'ended');
    });

    it('finds a successor late also when it is used and handed out at the same time', async () => {
        // The thief holds the successor and rotates it at the moment at which the phone comes back for it.
        for (let round = 0; round < 20; ++round) {
            const { phone, successor } = await lostAnswer();
            const thief = new Holder(forum, successor);
            forum.pass(HOUR);
            const [served, stolen] = await Promise.all([phone.refresh(), thief.refresh()]);
            expect(stolen.status).to.equal(200);
            forum.pass(HOUR);
            if (served.status === 200) {
                // The phone has the token that the thief has used: a second late retry in a row.
                expect(phone.refreshToken).to.equal(successor);
            }
            await expectRefused(phone, 'ended');
            expect((await thief.refresh()).body.error).to.equal('invalid_grant');
        }
    });

    for (const first of ['thief', 'victim'] as const) {
        for (const pause of [61, HOUR, 5 * DAY]) {
            it(`finds out a thief and a victim who take turns: the ${first} first, every ${pause} s`, async () => {
                const stolen = (await signIn()).refreshToken;
                const people = { thief: new Holder(forum, stolen), victim: new Holder(forum, stolen) };
                const second = first === 'thief' ? 'victim' : 'thief';
                await people[first].refresh();
                let turns = 0;
                for (const name of [second, first, second, first] as const) {
                    forum.pass(pause);
                    const answer = await people[name].refresh();
                    if (answer.status !== 200) {
                        break;
                    }
                    turns += 1;
                }
                expect(turns, 'refreshes that both were served').to.be.at.most(2);
                const { endReason } = await storedGrant(forum.dataSource, stolen);
                expect(endReason).to.equal('refresh_token_reused');
            });
        }
    }

    it('tells a thief who came second from the phone in the tunnel by the next refresh of either', async () => {
        const { phone: thief, successor } = await lostAnswer();
        const victim = new Holder(forum, successor);
        forum.pass(HOUR);
        // Handed out late to the thief: the two hold the same token now.
        await thief.refresh();
        forum.pass(HOUR);
        expect((await victim.refresh()).status).to.equal(200);
        forum.pass(HOUR);
        await expectRefused(thief, 'ended');
        expect((await victim.refresh()).body.error).to.equal('invalid_grant');
    });

    it('ends with reuse of any earlier token', async () => {
        const phone = await signIn();
        const tokens = [phone.refreshToken];
        for (let rotation = 0; rotation < 4; ++rotation) {
            forum.pass(HOUR);
            await phone.refresh();
            tokens.push(phone.refreshToken);
        }
        forum.pass(HOUR);
        await expectRefused(new Holder(forum, tokens[1]!), 'ended');
    });

    it('remains detected when the forum goes back to a window in seconds', async () => {
        const { phone, successor } = await lostAnswer();
        const app = new Holder(forum, successor);
        await app.refresh();
        forum.pass(DAY);
        const numeric = await forum.another({ clock: () => forum.now });
        const reused = await numeric.refresh(phone.refreshToken);
        expect(reused.body.error).to.equal('invalid_grant');
        const { endReason } = await storedGrant(forum.dataSource, phone.refreshToken);
        expect(endReason).to.equal('refresh_token_reused');
    });
});
