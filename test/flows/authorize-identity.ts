import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { generateSigningKey } from '../../plugin';
import {
    answered,
    authorize,
    createApp,
    locationOf,
    parametersOf,
    pkce,
    signInTo,
    type App,
    type Changes
} from '../support/authorization';
import { FRIGG, ISSUER, ODIN, type Answer } from '../support/forum';
import { loginDetourRow, insertRows } from '../support/rows';
import { OAuthLoginDetour } from '../../entities';
import { useForum } from '../support/setup';

const lab = Lab.script();
export { lab };
const { before, describe, it } = lab;

const CONSENT = `${ISSUER}/oauth/authorize/consent?request_id=`;
const LOGIN = `${ISSUER}/login?return_to=`;

describe('an authorization request that says who is asked', () => {
    let signedIn = 0;
    const forum = useForum(lab, {
        options: { session: { strategy: 'session', authTime: () => signedIn } }
    });
    const now = (): number => Math.floor(forum.now / 1000);
    let app: App;

    before(async () => {
        app = await createApp(forum);
    });

    const ask = (changes: Changes, accountId: string | null = FRIGG): Promise<Answer> =>
        authorize(forum, accountId, parametersOf(app, changes));
    const errorOf = async (changes: Changes): Promise<string> => answered(await ask(changes)).error!;

    /** The path that a sign-in page returns to. */
    const wayBack = (answer: Answer): string => {
        expect(locationOf(answer)).to.startWith(LOGIN);
        return new URL(locationOf(answer)).searchParams.get('return_to')!;
    };
    const goTo = (path: string, accountId: string | null = FRIGG): Promise<Answer> =>
        forum.as(accountId, 'GET', path.replace('/api/', '/'));

    describe('by id_token_hint', () => {
        it('is for that account only, however long ago the token expired', async () => {
            const { id_token: hint } = await signInTo(forum, app);
            const { id_token: odins } = await signInTo(forum, app, {}, ODIN);
            expect(locationOf(await ask({ id_token_hint: hint }))).to.startWith(CONSENT);
            expect(await errorOf({ id_token_hint: odins })).to.equal('login_required');
            expect(await errorOf({ id_token_hint: odins, prompt: 'none' })).to.equal('login_required');
            forum.pass(100 * 24 * 3600);
            expect(locationOf(await ask({ id_token_hint: hint }))).to.startWith(CONSENT);
            expect(await errorOf({ id_token_hint: odins })).to.equal('login_required');
        });

        it('is refused where the hint is no ID token of this server', async () => {
            const { access_token: access, id_token: hint } = await signInTo(forum, app);
            const stranger = await forum.another({ signingKeys: [await generateSigningKey('ES256')] });
            const foreign = (await signInTo(stranger, app)).id_token;
            for (const wrong of [access, foreign, `${hint.slice(0, -4)}AAAA`, 'x', 'a.b.c']) {
                expect(await errorOf({ id_token_hint: wrong })).to.equal('invalid_request');
            }
        });
    });

    describe('by a sub in claims', () => {
        it('is for that account only', async () => {
            const claims = (place: string, sub: object | null): Changes => ({
                claims: JSON.stringify({ [place]: { sub, email: null } })
            });
            for (const place of ['id_token', 'userinfo']) {
                for (const sub of [null, {}, { essential: true }, { value: FRIGG }, { values: [ODIN, FRIGG] }]) {
                    expect(locationOf(await ask(claims(place, sub))), JSON.stringify(sub)).to.startWith(CONSENT);
                }
                for (const sub of [{ value: ODIN }, { value: FRIGG.toUpperCase() }, { values: [ODIN] }, { value: 1 }]) {
                    expect(await errorOf(claims(place, sub)), JSON.stringify(sub)).to.equal('login_required');
                }
            }
        });

        it('is refused where claims is no JSON object', async () => {
            for (const claims of ['x', '[]', 'null', '"sub"', '{', `{"a":"${'x'.repeat(5000)}"}`, '{"__proto__":{}}']) {
                expect(await errorOf({ claims }), claims.slice(0, 20)).to.equal('invalid_request');
            }
            for (const claims of ['{}', '{"id_token":1}', '{"id_token":{"sub":"x"}}', '{"userinfo":[]}']) {
                expect(locationOf(await ask({ claims })), claims).to.startWith(CONSENT);
            }
        });
    });

    describe('by prompt=select_account', () => {
        it('goes once by way of the sign-in page, where the person may choose another account', async () => {
            for (const [first, second] of [
                [FRIGG, FRIGG],
                [FRIGG, ODIN],
                [null, FRIGG]
            ] as const) {
                signedIn = now() - 50;
                const back = wayBack(await ask({ prompt: 'select_account' }, first));
                expect(locationOf(await goTo(back, second))).to.startWith(CONSENT);
            }
        });

        it('goes there without the time of the sign-in too', async () => {
            const plain = await forum.another({ session: { strategy: 'session' } });
            const parameters = parametersOf(app, { prompt: 'select_account' });
            for (const account of [FRIGG, null]) {
                const back = wayBack(await authorize(plain, account, parameters));
                const answer = await plain.as(FRIGG, 'GET', back.replace('/api/', '/'));
                expect(locationOf(answer)).to.startWith(CONSENT);
            }
        });

        it('is account_selection_required with a mark that is made up or too old', async () => {
            const mark = `${now()}.${'A'.repeat(43)}`;
            const made = await errorOf({ prompt: 'select_account', login_after: mark });
            expect(made).to.equal('account_selection_required');
            const back = wayBack(await ask({ prompt: 'select_account' }));
            forum.pass(15 * 60);
            expect(answered(await goTo(back)).error).to.equal('account_selection_required');
        });

        it('excludes prompt=none', async () => {
            expect(await errorOf({ prompt: 'none select_account' })).to.equal('invalid_request');
        });
    });

    describe('by a demanded sign-in', () => {
        it('takes the mark for the request and the account that it was made for only', async () => {
            signedIn = now();
            const back = wayBack(await ask({ prompt: 'login', state: 'one' }));
            const mark = new URL(`http://x${back}`).searchParams.get('login_after')!;
            forum.pass(5);
            signedIn = now();
            expect(locationOf(await goTo(back))).to.startWith(CONSENT);
            expect(locationOf(await goTo(back, ODIN))).to.startWith(LOGIN);
            const others: Changes[] = [{ state: 'two' }, { scope: 'openid' }, {}];
            for (const changes of others) {
                const other = await ask({ prompt: 'login', state: 'other', ...changes, login_after: mark });
                expect(locationOf(other)).to.startWith(LOGIN);
            }
            const [seconds, mac] = mark.split('.');
            for (const edited of [`${Number(seconds) + 3}.${mac}`, `${seconds}.${mac}x`, seconds!, `.${mac}`]) {
                const answer = await goTo(back.replace(mark, edited));
                expect(locationOf(answer), edited).to.startWith(LOGIN);
            }
        });

        it('takes a max_age of any number of digits', async () => {
            signedIn = now() - 1_000_000;
            for (const age of ['9999999999', '9'.repeat(400), `${'0'.repeat(20)}1000001`]) {
                expect(locationOf(await ask({ max_age: age }))).to.startWith(CONSENT);
            }
            for (const age of ['-1', '1.5', '1e3', 'x', ' 1']) {
                expect(await errorOf({ max_age: age }), age).to.equal('invalid_request');
            }
        });
    });

    describe('that is too long for a URL of the sign-in page', () => {
        const state = '&%=+?#/\u00e9'.repeat(512);

        it('is kept, so that the way back is short and leads to the same request', async () => {
            const { challenge } = pkce();
            const answer = await ask({ state, code_challenge: challenge }, null);
            expect(locationOf(answer).length).to.be.below(500);
            const back = wayBack(answer);
            expect(back).to.match(/^\/api\/oauth\/authorize\?kept_request=[\w-]{43}$/);
            for (let times = 0; times < 2; ++times) {
                const page = locationOf(await goTo(back));
                expect(page).to.startWith(CONSENT);
                const requestId = new URL(page).searchParams.get('request_id');
                const path = '/oauth/authorize/consent';
                const denied = await forum.as(FRIGG, 'POST', path, { request_id: requestId, decision: 'deny' });
                expect(new URL(denied.body.location).searchParams.get('state')).to.equal(state);
            }
        });

        it('is kept once for all the sign-ins that it demands', async () => {
            signedIn = now() - 50;
            const kept = forum.dataSource.getRepository(OAuthLoginDetour);
            const before = await kept.count();
            const back = wayBack(await ask({ state, prompt: 'login' }));
            expect(back).to.match(/\?kept_request=[\w-]{43}&login_after=\d+\.[\w-]{43}$/);
            forum.pass(5);
            expect(locationOf(await goTo(back, ODIN))).to.startWith(LOGIN);
            signedIn = now();
            expect(locationOf(await goTo(back))).to.startWith(CONSENT);
            expect((await kept.count()) - before).to.equal(1);
            const rows = JSON.stringify(await kept.find());
            expect(rows).not.to.contain(new URL(`http://x${back}`).searchParams.get('kept_request')!);
        });

        it('is shown to have expired after a quarter of an hour', async () => {
            const back = wayBack(await ask({ state }, null));
            forum.pass(15 * 60);
            for (const path of [back, '/api/oauth/authorize?kept_request=unknown']) {
                const answer = await goTo(path);
                expect([answer.status, answer.body.error]).to.equal([400, 'invalid_request']);
                expect(answer.body.error_description).to.contain('Start again');
            }
        });

        it('is kept at most 100 times for one network: the oldest goes', async () => {
            const back = wayBack(await ask({ state }, null));
            const kept = forum.dataSource.getRepository(OAuthLoginDetour);
            const [own] = await kept.find({ order: { createdAt: 'DESC', id: 'DESC' }, take: 1 });
            const { requestedFrom } = own!;
            const rows = Array.from({ length: 99 }, () => loginDetourRow({ requestedFrom, createdAt: forum.now + 1 }));
            await insertRows(forum.dataSource, OAuthLoginDetour, rows);
            expect(locationOf(await goTo(back))).to.startWith(CONSENT);
            forum.pass(1);
            await ask({ state }, null);
            expect((await goTo(back)).status).to.equal(400);
            expect(await kept.countBy({ requestedFrom })).to.equal(100);
        });
    });

    it('by POST becomes the same request by GET, before any session is read', async () => {
        const parameters = new URLSearchParams(parametersOf(app, { state: 'x y&z' }));
        const post = (payload: string, type = 'application/x-www-form-urlencoded') =>
            forum.server.inject({
                method: 'POST',
                url: '/api/oauth/authorize?scope=ignored',
                payload,
                // As a browser sends it from the page of an application.
                headers: {
                    'content-type': type,
                    origin: 'https://app.example',
                    'sec-fetch-site': 'cross-site',
                    cookie: `session=${FRIGG}`
                }
            });
        const answer = await post(parameters.toString());
        expect(answer.statusCode).to.equal(303);
        expect(answer.headers.location).to.equal(`/api/oauth/authorize?${parameters.toString()}`);
        expect(answer.headers['cache-control']).to.equal('no-store');
        expect(locationOf(await goTo(String(answer.headers.location)))).to.startWith(CONSENT);
        const twice = await post('a=1&a=2&b=%0d%0aSet-Cookie:x');
        expect(twice.headers.location).to.equal('/api/oauth/authorize?a=1&a=2&b=%0D%0ASet-Cookie%3Ax');
        for (const [payload, type] of [
            [`state=${'x'.repeat(8192)}`, undefined],
            [parameters.toString(), 'text/plain'],
            ['{}', 'application/json'],
            [`state=${'x'.repeat(70_000)}`, undefined]
        ] as const) {
            const refused = await post(payload, type);
            expect([refused.statusCode, JSON.parse(refused.payload).error]).to.equal([400, 'invalid_request']);
        }
    });

    it('leads back to itself, whatever the Host header has', async () => {
        const query = new URLSearchParams(parametersOf(app)).toString();
        for (const host of ['x//evil.example/y', 'evil.example/?a=', 'x?client_id=evil', 'evil.example#', 'a b', '']) {
            const answer = await forum.server.inject({ url: `/api/oauth/authorize?${query}`, headers: { host } });
            const page = new URL(String(answer.headers.location));
            expect(page.searchParams.get('return_to'), host).to.equal(`/api/oauth/authorize?${query}`);
        }
    });
});
