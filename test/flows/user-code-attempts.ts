import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { OAuthUserCodeFailure } from '../../entities';
import { Forum, openDatabase, type Answer } from '../support/forum';
import { useDatabase } from '../support/setup';

const lab = Lab.script();
export { lab };
const { after, before, describe, it } = lab;

const PATH = '/oauth/device/consent';

describe('the limit on wrong user codes', () => {
    let forum: Forum;
    const database = useDatabase(lab);

    before(async () => {
        // The accounts of these tests share an address.
        forum = await Forum.create(database.dataSource, { limits: false });
    });

    after(async () => {
        await forum.stop();
    });

    const read = (accountId: string, userCode: string, on = forum): Promise<Answer> =>
        on.as(accountId, 'GET', `${PATH}?user_code=${userCode}`);

    const decide = (accountId: string, userCode: string, decision = 'approve', on = forum): Promise<Answer> =>
        on.as(accountId, 'POST', PATH, { user_code: userCode, decision });

    let guesses = 0;
    const wrongCode = (): string => {
        const digits = (guesses++).toString().padStart(8, '0');
        return `${digits.slice(0, 4)}-${digits.slice(4)}`;
    };

    const guess = async (accountId: string, times: number, on = forum): Promise<void> => {
        for (let tries = 0; tries < times; ++tries) {
            const code = wrongCode();
            const answer =
                tries % 2 === 0 ? await read(accountId, code, on) : await decide(accountId, code, 'deny', on);
            expect(answer.status, answer.text).to.equal(400);
            expect(answer.body.error).to.equal('invalid_request');
        }
    };

    const isLimited = (answer: Answer, retryAfter: number): void => {
        expect(answer.status, answer.text).to.equal(429);
        expect(answer.body.error).to.equal('temporarily_unavailable');
        expect(answer.body.error_description).to.be.a.string();
        expect(answer.headers['retry-after']).to.equal(String(retryAfter));
        expect(answer.headers['cache-control']).to.equal('no-store');
    };

    it('applies after the tenth wrong code, to both verbs and to right codes too', async () => {
        const accountId = forum.addAccount();
        const { user_code: claimed } = await forum.device();
        const { user_code: unread } = await forum.device();
        await read(accountId, claimed);
        await guess(accountId, 10);
        isLimited(await read(accountId, wrongCode()), 600);
        isLimited(await decide(accountId, wrongCode()), 600);
        isLimited(await read(accountId, unread), 600);
        isLimited(await read(accountId, claimed), 600);
        isLimited(await decide(accountId, claimed), 600);
        isLimited(await decide(accountId, claimed, 'deny'), 600);

        // Nothing was claimed or decided: another account can continue, and so can this one when the limit ends.
        const other = forum.addAccount();
        expect((await forum.decide(other, unread)).body).to.equal({ status: 'approved' });
        forum.pass(599);
        isLimited(await decide(accountId, claimed), 1);
        await database.dataSource.query('UPDATE oauth_device_authorizations SET expires_at = expires_at + 60000');
        forum.pass(1);
        expect((await decide(accountId, claimed)).body).to.equal({ status: 'approved' });
    });

    it('does not apply after nine', async () => {
        const accountId = forum.addAccount();
        await guess(accountId, 9);
        const { user_code: userCode } = await forum.device();
        expect((await read(accountId, userCode)).status).to.equal(200);
        expect((await decide(accountId, userCode)).status).to.equal(200);
    });

    it('allows any number of right codes at once', async () => {
        const busy = forum.addAccount();
        const devices = await Promise.all(Array.from({ length: 40 }, () => forum.device()));
        const answers = await Promise.all(devices.map(({ user_code: code }) => read(busy, code)));
        expect(answers.map(({ status }) => status)).to.equal(devices.map(() => 200));
    });

    it('allows one right code to be read and decided two hundred times at once', async () => {
        const accountId = forum.addAccount();
        const { user_code: userCode } = await forum.device();
        const times = Array.from({ length: 200 });
        const reads = await Promise.all(times.map(() => read(accountId, userCode)));
        expect(reads.filter(({ status }) => status === 200).length).to.equal(200);
        const decisions = await Promise.all(times.map(() => decide(accountId, userCode, 'approve')));
        expect(decisions.filter(({ status }) => status === 200).length).to.equal(1);
        expect(decisions.filter(({ body }) => body.error === 'invalid_request').length).to.equal(199);
    });

    it('does not count right codes', async () => {
        const accountId = forum.addAccount();
        const { user_code: userCode } = await forum.device();
        for (let times = 0; times < 15; ++times) {
            expect((await read(accountId, userCode)).status).to.equal(200);
        }
        await guess(accountId, 9);
        expect((await read(accountId, userCode)).status).to.equal(200);
        const stored = await database.dataSource.getRepository(OAuthUserCodeFailure).findBy({ accountId });
        expect(stored.filter(({ wrong }) => wrong)).to.have.length(9);
        // The row that the attempts lock.
        expect(stored).to.have.length(10);
    });

    it('counts codes that another account has claimed', async () => {
        const owner = forum.addAccount();
        const accountId = forum.addAccount();
        for (let times = 0; times < 10; ++times) {
            const { user_code: userCode } = await forum.device();
            await read(owner, userCode);
            expect((await read(accountId, userCode)).body.error).to.equal('access_denied');
        }
        isLimited(await read(accountId, wrongCode()), 600);
    });

    it('ends code by code, as each one reaches ten minutes', async () => {
        const accountId = forum.addAccount();
        await guess(accountId, 4);
        forum.pass(300);
        await guess(accountId, 6);
        isLimited(await read(accountId, wrongCode()), 300);
        forum.pass(299.5);
        isLimited(await read(accountId, wrongCode()), 1);
        forum.pass(0.5);
        // The first four no longer count, so four more are allowed.
        await guess(accountId, 4);
        isLimited(await read(accountId, wrongCode()), 300);
        forum.pass(300);
        await guess(accountId, 6);
        isLimited(await read(accountId, wrongCode()), 300);
    });

    it('is not extended by attempts while it applies', async () => {
        const accountId = forum.addAccount();
        await guess(accountId, 10);
        for (let minutes = 0; minutes < 9; ++minutes) {
            forum.pass(60);
            for (let tries = 0; tries < 5; ++tries) {
                isLimited(await read(accountId, wrongCode()), 540 - minutes * 60);
            }
        }
        forum.pass(60);
        const { user_code: userCode } = await forum.device();
        expect((await read(accountId, userCode)).status).to.equal(200);
    });

    it('applies to each account separately', async () => {
        await guess(forum.addAccount(), 10);
        await guess(forum.addAccount(), 10);
    });

    it('is shared by all processes on a database', async () => {
        const second = await Forum.create(database.dataSource, { limits: false });
        second.now = forum.now;
        const accountId = forum.addAccount();
        second.accounts.set(accountId, forum.account(accountId));
        await guess(accountId, 5);
        await guess(accountId, 5, second);
        isLimited(await read(accountId, wrongCode()), 600);
        isLimited(await read(accountId, wrongCode(), second), 600);
        await second.stop();
    });

    it('tells at most ten of three hundred parallel guesses whether they are right', async () => {
        const second = await Forum.create(database.dataSource, { limits: false });
        second.now = forum.now;
        const accountId = forum.addAccount();
        second.accounts.set(accountId, forum.account(accountId));
        const answers = await Promise.all(
            Array.from({ length: 300 }, (_, place) => {
                const on = place % 2 === 0 ? forum : second;
                return place % 3 === 0 ? decide(accountId, wrongCode(), 'deny', on) : read(accountId, wrongCode(), on);
            })
        );
        const seen = answers.filter(({ status }) => status === 400).length;
        expect(seen).to.be.at.most(10);
        expect(answers.filter(({ status }) => status === 429).length).to.equal(300 - seen);

        // Only the rest of the ten are answered.
        await guess(accountId, 10 - seen);
        isLimited(await read(accountId, wrongCode()), 600);
        await second.stop();
    });

    it('answers the first ten of a burst of wrong codes', async () => {
        const accountId = forum.addAccount();
        const answers = await Promise.all(Array.from({ length: 50 }, () => read(accountId, wrongCode())));
        expect(answers.map(({ status }) => status).filter((status) => status === 400).length).to.equal(10);
        expect(answers.filter(({ status }) => status === 429).length).to.equal(40);
    });

    it('refuses a right code among parallel guesses that come after ten wrong ones', async () => {
        const accountId = forum.addAccount();
        await guess(accountId, 10);
        const { user_code: userCode } = await forum.device();
        const answers = await Promise.all(
            Array.from({ length: 50 }, (_, place) => read(accountId, place % 2 === 0 ? userCode : wrongCode()))
        );
        expect(answers.every(({ status }) => status === 429)).to.be.true();
    });

    it('refuses a right code that comes late in a burst of guesses', async () => {
        let served = 0;
        for (let round = 0; round < 10; ++round) {
            const accountId = forum.addAccount();
            const { user_code: userCode } = await forum.device();
            const codes = Array.from({ length: 60 }, (_, place) => (place === 55 ? userCode : wrongCode()));
            const answers = await Promise.all(codes.map((code) => read(accountId, code)));
            served += answers[55]!.status === 200 ? 1 : 0;
        }
        // By chance alone, one in six would be among the first ten.
        expect(served).to.be.below(5);
    });

    it('does not apply when a right code is opened in two tabs at once', async () => {
        const accountId = forum.addAccount();
        await guess(accountId, 8);
        const { user_code: userCode } = await forum.device();
        const answers = await Promise.all([read(accountId, userCode), read(accountId, userCode)]);
        expect(answers.map(({ status }) => status)).to.equal([200, 200]);
    });

    it('works on the embedded database too', async () => {
        const embedded = await openDatabase('embedded');
        const small = await Forum.create(embedded.dataSource);
        const accountId = small.addAccount();
        await guess(accountId, 10, small);
        isLimited(await read(accountId, wrongCode(), small), 600);
        const parallel = small.addAccount();
        const answers = await Promise.all(Array.from({ length: 100 }, () => read(parallel, wrongCode(), small)));
        expect(answers.filter(({ status }) => status === 400).length).to.be.at.most(10);
        await small.stop();
        await embedded.done();
    });
});
