import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { BadInput, isInvalidField, isInvalidRequest, isManagementError, isProtocolError } from '../support/bad-input';
import { FRIGG } from '../support/forum';

const lab = Lab.script();
export { lab };
const { after, before, describe, it } = lab;

const CLIENT = {
    name: 'A bot',
    type: 'public',
    allowed_grants: ['authorization_code', 'refresh_token'],
    allowed_scopes: ['openid', 'CREATE_POST'],
    redirect_uris: ['https://app.example/cb'],
    pkce_required: true
};

describe('a bad query, path or header', () => {
    let setting: BadInput;

    before(async () => {
        setting = await BadInput.create();
    });

    after(() => setting.done());

    it('is refused at a list', async () => {
        const long = 'x'.repeat(50_000);
        const queries: Record<string, string[]> = {
            '/auth/oauth/tokens': [
                ...['', '0', '-1', '1.5', 'x', '1e3', '01', '+1', ' 1', '1%00', '%FF', '0x1', long].map(
                    (page) => `page=${page}`
                ),
                'page=1&page=1',
                'page[]=1',
                ...['', 'x', 'ACTIVE', 'active%00', '%ED%A0%80', long].map((status) => `status=${status}`),
                'status=active&status=revoked',
                'oauth_client_id=',
                `oauth_client_id=${long}`,
                'oauth_client_id=x&oauth_client_id=y',
                'foo=bar',
                '__proto__=x',
                'constructor=x',
                'account_id=odin0000000000000000'
            ],
            '/auth/oauth/clients': ['page=0', 'page=x', 'foo', '__proto__=x', '%FF']
        };
        await setting.writingNothing(async () => {
            for (const [path, each] of Object.entries(queries)) {
                for (const query of each) {
                    isInvalidField(await setting.send('GET', `${path}?${query}`, {}, FRIGG), query.slice(0, 60));
                }
            }
            for (const query of [
                '',
                'oauth_client_id=',
                'oauth_client_id',
                'foo=x',
                'oauth_client_id=x&foo=y',
                'oauth_client_id=x&oauth_client_id=y',
                `oauth_client_id=${long}`
            ]) {
                isInvalidField(
                    await setting.send('DELETE', `/auth/oauth/tokens?${query}`, {}, FRIGG),
                    query.slice(0, 60)
                );
            }
        });
    });

    it('with the id of nothing gets 404', async () => {
        const ids = [
            'x',
            '0',
            'null',
            '__proto__',
            'CC5LND2S1S4652ADTU50',
            'cc5lnd2s1s4652adtu5z',
            '%20cc5lnd2s1s4652adtu50',
            'cc5lnd2s1s4652adtu50%20',
            'cc5lnd2s1s4652adtu50%00',
            '%00',
            '%2F',
            '..%2f..',
            "'%20OR%20'1'='1",
            '%C3%A9',
            '%F0%9F%98%80',
            '%25',
            'x'.repeat(5000),
            'cc5lnd2s1s4652adtu50'
        ];
        await setting.writingNothing(async () => {
            for (const id of ids) {
                const json = { type: 'application/json', payload: '{}' };
                const answers = [
                    await setting.send('GET', `/auth/oauth/clients/${id}`, {}, FRIGG),
                    await setting.send('PATCH', `/auth/oauth/clients/${id}`, json, FRIGG),
                    await setting.send('DELETE', `/auth/oauth/clients/${id}`, {}, FRIGG),
                    await setting.send('POST', `/auth/oauth/clients/${id}/secret`, json, FRIGG),
                    await setting.send('DELETE', `/auth/oauth/tokens/${id}`, {}, FRIGG)
                ];
                for (const [place, sent] of answers.entries()) {
                    isManagementError(sent, `${place} ${id.slice(0, 40)}`);
                    expect(sent.status, `${place} ${id.slice(0, 40)}`).to.equal(404);
                    expect(sent.body.error).to.equal('not_found');
                }
            }
        });
    });

    it('is refused where the path cannot be decoded', async () => {
        for (const id of ['%FF', '%ED%A0%80', '%C3%28', '%zz', '%']) {
            for (const [method, path] of [
                ['GET', `/auth/oauth/clients/${id}`],
                ['PATCH', `/auth/oauth/clients/${id}`],
                ['DELETE', `/auth/oauth/clients/${id}`],
                ['POST', `/auth/oauth/clients/${id}/secret`],
                ['DELETE', `/auth/oauth/tokens/${id}`]
            ] as const) {
                const { status, text } = await setting.send(method, path, {}, FRIGG);
                expect(status, `${method} ${path}: ${text}`).to.equal(400);
                expect(JSON.parse(text)).to.include('error');
            }
        }
    });

    it('is refused at a consent, and claims no code', async () => {
        const { user_code: unread } = await setting.forum.device();
        const queries = [
            '',
            'user_code',
            'user_code=',
            `user_code=${unread}&user_code=${unread}`,
            `user_code[]=${unread}`,
            `USER_CODE=${unread}`,
            `user_code=${unread}%00`,
            `user_code=%00${unread}`,
            `user_code=${unread}%FF`,
            `user_code=${unread}%ED%A0%80`,
            `user_code=${encodeURIComponent(unread.replace('-', '\u2010'))}`,
            `user_code=${unread}${'x'.repeat(50_000)}`,
            'user_code=%',
            'user_code=__proto__',
            '__proto__=x'
        ];
        await setting.writingNothing(async () => {
            for (const query of queries) {
                const sent = await setting.send(
                    'GET',
                    `/oauth/device/consent?${query}`,
                    {},
                    setting.forum.addAccount()
                );
                isInvalidRequest('protocol', sent, query.slice(0, 60));
            }
        });
        expect(
            (await setting.send('GET', `/oauth/device/consent?user_code=${unread}&foo=bar`, {}, FRIGG)).status
        ).to.equal(200);
    });

    it('gets an error in the shape of its endpoint where a header is bad', async () => {
        const { user_code: unread } = await setting.forum.device();
        await setting.writingNothing(async () => {
            const odd: Record<string, string>[] = [
                { origin: 'x'.repeat(100_000) },
                { origin: '\u00ff' },
                { 'sec-fetch-site': '\u00ff' },
                { cookie: 'session="; x' },
                { cookie: `session=${'x'.repeat(100_000)}` }
            ];
            for (const headers of odd) {
                const what = JSON.stringify(headers).slice(0, 50);
                const account = 'cookie' in headers ? null : FRIGG;
                const json = { type: 'application/json', payload: JSON.stringify(CLIENT), headers };
                isManagementError(await setting.send('POST', '/auth/oauth/clients', json, account), what);
                const consent = await setting.send(
                    'GET',
                    `/oauth/device/consent?user_code=${unread}`,
                    { headers },
                    account
                );
                isProtocolError(consent, what);
            }
        });
    });

    it('is ignored by the public documents', async () => {
        for (const path of [
            '/.well-known/openid-configuration?foo=%FF&__proto__=x',
            '/.well-known/oauth-authorization-server?page=x',
            '/oauth/jwks?kid=%00'
        ]) {
            const sent = await setting.send('GET', path, {
                headers: { cookie: 'x="; \u00ff', accept: 'x', authorization: 'x' }
            });
            expect(sent.status, path).to.equal(200);
        }
    });
});
