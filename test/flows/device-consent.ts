import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { CLI, DEVICE_CODE, FRIGG, LOKI, ODIN, unique, type Answer } from '../support/forum';
import { useForum } from '../support/setup';

const lab = Lab.script();
export { lab };
const { describe, it } = lab;

const PATH = '/oauth/device/consent';

describe('the consent to a device', () => {
    const forum = useForum(lab);

    const read = (accountId: string | null, userCode: string, headers?: Record<string, string>): Promise<Answer> =>
        forum.as(
            accountId,
            'GET',
            `${PATH}?${new URLSearchParams({ user_code: userCode }).toString()}`,
            undefined,
            headers
        );

    const decide = (
        accountId: string | null,
        userCode: string,
        decision = 'approve',
        headers?: Record<string, string>
    ): Promise<Answer> => forum.as(accountId, 'POST', PATH, { user_code: userCode, decision }, headers);

    const poll = async (deviceCode: string, clientId = CLI.client_id): Promise<string> => {
        const { status, body } = await forum.token({
            grant_type: DEVICE_CODE,
            client_id: clientId,
            device_code: deviceCode
        });
        return status === 200 ? 'tokens' : (body.error as string);
    };

    const isError = (answer: Answer, error: string, status = 400): void => {
        expect(answer.body?.error, answer.text).to.equal(error);
        expect(answer.body.error_description).to.be.a.string();
        expect(answer.status).to.equal(status);
        expect(answer.headers['cache-control']).to.equal('no-store');
    };

    it('shows who asks for what, and what would be granted', async () => {
        const { user_code: userCode } = await forum.device();
        const { status, body, headers } = await read(FRIGG, userCode);
        expect(status).to.equal(200);
        expect(headers['cache-control']).to.equal('no-store');
        expect(headers.pragma).to.equal('no-cache');
        expect(body).to.equal({
            user_code: userCode,
            client_id: 'storyden-cli',
            client_name: 'Storyden',
            expires_at: new Date(forum.now + 600_000).toISOString(),
            requested_scopes: ['openid', 'profile', 'offline_access'],
            granted_scopes: [
                'openid',
                'profile',
                'offline_access',
                'CREATE_POST',
                'READ_PUBLISHED_THREADS',
                'CREATE_REACTION',
                'READ_PROFILE',
                'USE_OAUTH_CLIENTS'
            ],
            inherits_user_permissions: true,
            client_source: 'first_party',
            verified: true,
            loopback_only: false
        });
    });

    it("shows of a member's client what the account lacks as asked for but not granted", async () => {
        const { client } = await forum.createClient(ODIN, {
            name: 'Ravens',
            type: 'public',
            allowed_grants: [DEVICE_CODE],
            allowed_scopes: ['openid', 'MANAGE_POSTS', 'CREATE_POST']
        });
        const { user_code: userCode } = await forum.device({
            client_id: client.client_id,
            scope: 'MANAGE_POSTS CREATE_POST openid'
        });
        const { body } = await read(FRIGG, userCode);
        expect(body.client_name).to.equal('Ravens');
        expect(body.requested_scopes).to.equal(['MANAGE_POSTS', 'CREATE_POST', 'openid']);
        expect(body.granted_scopes).to.equal(['CREATE_POST', 'openid']);
        expect(body.inherits_user_permissions).to.be.false();
    });

    it('takes a code as people type it', async () => {
        const type = async (spell: (code: string) => string): Promise<void> => {
            const { user_code: userCode, device_code: code } = await forum.device();
            const typed = spell(userCode);
            const { status, body } = await read(FRIGG, typed);
            expect(status, typed).to.equal(200);
            expect(body.user_code).to.equal(userCode);
            expect((await decide(FRIGG, typed)).body, typed).to.equal({ status: 'approved' });
            expect(await poll(code)).to.equal('tokens');
        };
        await type((code) => code.toLowerCase());
        await type((code) => code.replace('-', ''));
        await type((code) => code.replace('-', ' ').toLowerCase());
        await type((code) => ` ${code} `);
    });

    it('takes O for 0, and I and L for 1, in either case', async () => {
        const { user_code: userCode, device_code: code } = await forum.device();
        await forum.dataSource.query('UPDATE oauth_device_authorizations SET user_code = ? WHERE user_code = ?', [
            '0011AB01',
            userCode.replace('-', '')
        ]);
        for (const typed of ['0011-AB01', 'OOII-ABOL', 'ooil-abol', 'OoLl-aBoI', 'ooiLab0i']) {
            const { status, body } = await read(FRIGG, typed);
            expect(status, typed).to.equal(200);
            expect(body.user_code).to.equal('0011-AB01');
        }
        expect((await decide(FRIGG, 'ooli-ABoi')).body).to.equal({ status: 'approved' });
        expect(await poll(code)).to.equal('tokens');
    });

    it('takes nothing else for a code', async () => {
        const { user_code: userCode } = await forum.device();
        const wrong = [
            userCode.slice(0, -1),
            `${userCode}0`,
            userCode.replace('-', '_'),
            `${userCode.slice(0, -1)}U`,
            `${userCode.slice(0, -1)}%`,
            `${userCode}\0`,
            '%',
            '________'
        ];
        for (const typed of wrong) {
            isError(await read(forum.addAccount(), typed), 'invalid_request');
        }
        isError(await read(FRIGG, ''), 'invalid_request');
        isError(await read(FRIGG, 'x'.repeat(100_000)), 'invalid_request');
        // It is nobody's yet.
        expect((await read(FRIGG, userCode)).status).to.equal(200);
    });

    it('is the first reader’s, who may read again', async () => {
        const { user_code: userCode, device_code: code } = await forum.device();
        expect((await read(FRIGG, userCode)).status).to.equal(200);
        expect((await read(FRIGG, userCode)).status).to.equal(200);
        isError(await read(ODIN, userCode), 'access_denied');
        isError(await decide(ODIN, userCode), 'invalid_request');
        isError(await decide(ODIN, userCode, 'deny'), 'invalid_request');
        expect(await poll(code)).to.equal('authorization_pending');
        expect((await read(FRIGG, userCode)).status).to.equal(200);
        expect((await decide(FRIGG, userCode)).body).to.equal({ status: 'approved' });
    });

    it('is one reader’s, however many read at the same instant', async () => {
        for (let round = 0; round < 5; ++round) {
            const { user_code: userCode } = await forum.device();
            const readers = Array.from({ length: 10 }, () => forum.addAccount());
            const answers = await Promise.all(readers.map((accountId) => read(accountId, userCode)));
            const winner = answers.findIndex(({ status }) => status === 200);
            for (const [place, answer] of answers.entries()) {
                if (place === winner) {
                    expect(answer.status).to.equal(200);
                } else {
                    isError(answer, 'access_denied');
                }
            }
            for (const [place, accountId] of readers.entries()) {
                const { status } = await decide(accountId, userCode);
                expect(status).to.equal(place === winner ? 200 : 400);
            }
        }
    });

    it('has to be read before it is decided', async () => {
        const { user_code: userCode, device_code: code } = await forum.device();
        isError(await decide(FRIGG, userCode), 'invalid_request');
        isError(await decide(FRIGG, userCode, 'deny'), 'invalid_request');
        expect(await poll(code)).to.equal('authorization_pending');
    });

    it('cannot be told apart at the decision, whatever is wrong with the code', async () => {
        const accountId = forum.addAccount();
        const unread = await forum.device();
        const foreign = await forum.device();
        await read(ODIN, foreign.user_code);
        const decided = await forum.device();
        await forum.decide(accountId, decided.user_code);
        const foreignDecided = await forum.device();
        await forum.decide(ODIN, foreignDecided.user_code);
        const used = await forum.device();
        await forum.decide(accountId, used.user_code);
        await poll(used.device_code);
        const expired = await forum.device();
        await read(accountId, expired.user_code);
        await forum.dataSource.query('UPDATE oauth_device_authorizations SET expires_at = ? WHERE user_code = ?', [
            forum.now,
            expired.user_code.replace('-', '')
        ]);

        const codes = [unread, foreign, decided, foreignDecided, used, expired].map((device) => device.user_code);
        for (const decision of ['approve', 'deny']) {
            // So that the second round stays below the limit on wrong codes.
            await forum.dataSource.query('DELETE FROM oauth_user_code_failures');
            const answers = [];
            for (const userCode of ['ZZZZ-ZZZZ', ...codes]) {
                answers.push(await decide(accountId, userCode, decision));
            }
            for (const answer of answers) {
                isError(answer, 'invalid_request');
                expect(answer.text).to.equal(answers[0]!.text);
            }
        }
    });

    it('cannot be read any more once it is decided or has expired', async () => {
        const accountId = forum.addAccount();
        for (const decision of ['approve', 'deny'] as const) {
            const { user_code: userCode } = await forum.device();
            await forum.decide(accountId, userCode, decision);
            isError(await read(accountId, userCode), 'invalid_request');
            isError(await read(ODIN, userCode), 'invalid_request');
        }
        const { user_code: late } = await forum.device();
        forum.pass(599.999);
        expect((await read(accountId, late)).status).to.equal(200);
        forum.pass(0.001);
        isError(await read(accountId, late), 'invalid_request');
        isError(await decide(accountId, late), 'invalid_request');
        isError(await decide(accountId, late, 'deny'), 'invalid_request');
    });

    it('grants what the account was shown and still holds when it approves', async () => {
        const accountId = forum.addAccount(['USE_OAUTH_CLIENTS', 'CREATE_POST']);
        const { user_code: userCode, device_code: code } = await forum.device();
        expect((await read(accountId, userCode)).body.granted_scopes).to.include('CREATE_POST');
        forum.account(accountId).permissions = ['USE_OAUTH_CLIENTS', 'READ_PROFILE'];
        await decide(accountId, userCode);
        const { body } = await forum.token({ grant_type: DEVICE_CODE, client_id: CLI.client_id, device_code: code });
        expect(body.scope).to.equal('openid profile offline_access USE_OAUTH_CLIENTS');
    });

    it('grants what the client is allowed when it is approved', async () => {
        const { client } = await forum.createClient(FRIGG, {
            type: 'public',
            allowed_grants: [DEVICE_CODE],
            allowed_scopes: ['CREATE_POST', 'READ_PROFILE']
        });
        const { user_code: userCode, device_code: code } = await forum.device({
            client_id: client.client_id,
            scope: 'CREATE_POST READ_PROFILE'
        });
        await read(FRIGG, userCode);
        const allow = (scopes: string[]): Promise<Answer> =>
            forum.as(FRIGG, 'PATCH', `/auth/oauth/clients/${client.id}`, { allowed_scopes: scopes });
        await allow(['READ_PROFILE']);
        await decide(FRIGG, userCode);
        // What the approval left out does not come back with the client's rights.
        await allow(['CREATE_POST', 'READ_PROFILE']);
        const { body } = await forum.token({
            grant_type: DEVICE_CODE,
            client_id: client.client_id,
            device_code: code
        });
        expect(body.scope).to.equal('READ_PROFILE');
    });

    it('is not for members without the permission, before any code is looked at', async () => {
        const { user_code: userCode, device_code: code } = await forum.device();
        for (let tries = 0; tries < 12; ++tries) {
            isError(await read(LOKI, tries % 2 === 0 ? userCode : 'ZZZZ-ZZZZ'), 'access_denied');
            isError(await decide(LOKI, tries % 2 === 0 ? userCode : 'ZZZZ-ZZZZ'), 'access_denied');
        }
        const [counted] = await forum.dataSource.query(
            'SELECT COUNT(*) AS n FROM oauth_user_code_failures WHERE account_id = ?',
            [LOKI]
        );
        expect(Number(counted.n)).to.equal(0);
        // Nothing was claimed either.
        expect((await forum.decide(FRIGG, userCode)).body).to.equal({ status: 'approved' });
        expect(await poll(code)).to.equal('tokens');
    });

    it('is for administrators, whatever else they are listed with', async () => {
        const { user_code: userCode } = await forum.device();
        expect((await forum.decide(ODIN, userCode)).body).to.equal({ status: 'approved' });
    });

    it('may always be denied by its claimant, also when the account may no longer approve', async () => {
        const accountId = forum.addAccount();
        const { user_code: userCode, device_code: code } = await forum.device();
        await read(accountId, userCode);
        forum.account(accountId).permissions = [];
        isError(await read(accountId, userCode), 'access_denied');
        isError(await decide(accountId, userCode), 'access_denied');
        expect((await decide(accountId, userCode, 'deny')).body).to.equal({ status: 'denied' });
        expect(await poll(code)).to.equal('access_denied');
        isError(await decide(LOKI, userCode, 'deny'), 'invalid_request');
    });

    it('is out of reach for a suspended member, and waits for them', async () => {
        const accountId = forum.addAccount();
        const account = forum.account(accountId);
        const { user_code: userCode, device_code: code } = await forum.device();
        const suspended = async (answer: () => Promise<Answer>): Promise<void> => {
            forum.accounts.delete(accountId);
            const nobody = await forum.as(null, 'GET', `${PATH}?user_code=${userCode}`);
            const given = await answer();
            isError(given, 'login_required', 401);
            expect(given.text).to.equal(nobody.text);
            forum.accounts.set(accountId, account);
        };
        await suspended(() => read(accountId, userCode));
        await read(accountId, userCode);
        await suspended(() => decide(accountId, userCode));
        await suspended(() => decide(accountId, userCode, 'deny'));
        expect(await poll(code)).to.equal('authorization_pending');
        expect((await decide(accountId, userCode)).body).to.equal({ status: 'approved' });
        expect(await poll(code)).to.equal('tokens');
    });

    it('needs a session, and never redirects', async () => {
        const { user_code: userCode } = await forum.device();
        for (const answer of [await read(null, userCode), await decide(null, userCode)]) {
            isError(answer, 'login_required', 401);
            expect(answer.headers).to.not.include('location');
        }
        // An access token is no session.
        const { access_token: token } = await forum.signIn();
        const bearer = { authorization: `Bearer ${token}` };
        isError(await read(null, userCode, bearer), 'login_required', 401);
        isError(await decide(null, userCode, 'approve', bearer), 'login_required', 401);
        expect((await forum.decide(ODIN, userCode)).status).to.equal(200);
    });

    it('is decided once: of two tabs that differ the first one counts', async () => {
        const approved = await forum.device();
        await forum.decide(FRIGG, approved.user_code);
        isError(await decide(FRIGG, approved.user_code, 'deny'), 'invalid_request');
        isError(await decide(FRIGG, approved.user_code), 'invalid_request');
        expect(await poll(approved.device_code)).to.equal('tokens');
        isError(await decide(FRIGG, approved.user_code, 'deny'), 'invalid_request');

        const denied = await forum.device();
        await forum.decide(FRIGG, denied.user_code, 'deny');
        isError(await decide(FRIGG, denied.user_code), 'invalid_request');
        expect(await poll(denied.device_code)).to.equal('access_denied');
    });

    it('is decided once when two tabs differ at the same instant, and says so', async () => {
        const outcomes = new Set<string>();
        for (let round = 0; round < 20; ++round) {
            const accountId = forum.addAccount();
            const { user_code: userCode, device_code: code } = await forum.device();
            await read(accountId, userCode);
            const decisions = round % 2 === 0 ? ['approve', 'deny'] : ['deny', 'approve'];
            const answers = await Promise.all(decisions.map((decision) => decide(accountId, userCode, decision)));
            const winners = answers.filter(({ status }) => status === 200);
            expect(winners.length).to.equal(1);
            isError(
                answers.find(({ status }) => status !== 200)!,
                'invalid_request'
            );
            const status = winners[0]!.body.status as string;
            outcomes.add(status);
            expect(await poll(code)).to.equal(status === 'approved' ? 'tokens' : 'access_denied');
        }
        expect([...outcomes].sort()).to.equal(['approved', 'denied']);
    });

    it('does not count what another tab has decided as a wrong code', async () => {
        const accountId = forum.addAccount();
        const { user_code: userCode } = await forum.device();
        await forum.decide(accountId, userCode);
        for (let tabs = 0; tabs < 12; ++tabs) {
            isError(await decide(accountId, userCode), 'invalid_request');
        }
        const { user_code: next } = await forum.device();
        expect((await forum.decide(accountId, next)).status).to.equal(200);
    });

    it('says of each decision who made it, in events', async () => {
        const accountId = forum.addAccount();
        const about = (): string[] =>
            forum.events
                .filter((event) => 'account_id' in event && event.account_id === accountId)
                .map(({ type }) => type);
        const first = await forum.device();
        await forum.decide(accountId, first.user_code);
        const second = await forum.device();
        await forum.decide(accountId, second.user_code, 'deny');
        await decide(accountId, second.user_code);
        expect(about()).to.equal(['device_authorization_approved', 'device_authorization_denied']);
    });

    it('takes nothing but approve and deny for a decision', async () => {
        const { user_code: userCode, device_code: code } = await forum.device();
        await read(FRIGG, userCode);
        for (const decision of ['', 'APPROVE', 'yes', 'approved', null, true, ['approve'], { approve: true }]) {
            isError(await forum.as(FRIGG, 'POST', PATH, { user_code: userCode, decision }), 'invalid_request');
        }
        isError(await forum.as(FRIGG, 'POST', PATH, { user_code: userCode }), 'invalid_request');
        isError(await forum.as(FRIGG, 'POST', PATH, { decision: 'approve' }), 'invalid_request');
        isError(await forum.as(FRIGG, 'POST', PATH, { user_code: [userCode], decision: 'approve' }), 'invalid_request');
        isError(await forum.as(FRIGG, 'POST', PATH), 'invalid_request');
        expect(await poll(code)).to.equal('authorization_pending');
    });

    it('takes nothing else from the host’s own page either', async () => {
        const member = forum.addAccount();
        const { device_code: deviceCode, user_code: userCode } = await forum.device();
        const api = forum.server.plugins['hapi-forum-oauth'].deviceConsent;
        await api.read(member, userCode);
        forum.account(member).permissions = [];
        for (const decision of ['Approve', 'approved', 'yes', '', undefined]) {
            const input = { decision: decision as 'approve', authTime: null };
            const rejected = await expect(api.decide(member, userCode, input)).to.reject();
            expect(rejected).to.include({ error: 'invalid_request', message: 'The decision must be approve or deny' });
        }
        const polled = await forum.token({
            grant_type: DEVICE_CODE,
            client_id: CLI.client_id,
            device_code: deviceCode
        });
        expect(polled.body.error).to.equal('authorization_pending');
    });

    it('reads no code of a POST from its query', async () => {
        const { user_code: userCode } = await forum.device();
        await read(FRIGG, userCode);
        const { body } = await forum.as(FRIGG, 'POST', `${PATH}?user_code=${userCode}&decision=approve`, {});
        expect(body.error).to.equal('invalid_request');
    });

    it('claims nothing for a page of another site', async () => {
        const { user_code: userCode } = await forum.device();
        const elsewhere: Record<string, string>[] = [
            { origin: 'https://elsewhere.example' },
            { origin: 'null' },
            { 'sec-fetch-site': 'cross-site' },
            { 'sec-fetch-site': 'same-site' },
            { 'sec-purpose': 'prefetch' },
            { 'sec-purpose': 'prefetch;prerender', origin: 'https://forum.example' },
            { origin: 'https://elsewhere.example', 'sec-fetch-site': 'same-origin' }
        ];
        for (const headers of elsewhere) {
            expect((await read(ODIN, userCode, headers)).status, JSON.stringify(headers)).to.equal(403);
            expect((await decide(ODIN, userCode, 'approve', headers)).status).to.equal(403);
        }
        // Another account is still the first reader.
        expect((await read(FRIGG, userCode, { origin: 'https://forum.example' })).status).to.equal(200);
        expect((await decide(FRIGG, userCode, 'approve', { 'sec-fetch-site': 'same-origin' })).status).to.equal(200);
    });

    it('works through the API of the plugin as at the endpoint', async () => {
        const api = forum.server.plugins['hapi-forum-oauth'].deviceConsent;
        const { user_code: userCode, device_code: code } = await forum.device();
        await expect(api.decide(FRIGG, userCode, { decision: 'approve', authTime: null })).to.reject(
            /unknown, expired or already decided/
        );
        expect((await api.read(FRIGG, userCode)).client_name).to.equal('Storyden');
        await expect(api.read(ODIN, userCode)).to.reject(/Another account/);
        await expect(api.read(unique('nobody'), userCode)).to.reject(/no such account/);
        expect(await api.decide(FRIGG, userCode, { decision: 'approve', authTime: null })).to.equal({
            status: 'approved'
        });
        expect(await poll(code)).to.equal('tokens');
    });
});
