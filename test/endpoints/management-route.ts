import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { OAuthClient } from '../../entities/index';
import { FORUM_PERMISSIONS } from '../../plugin/index';
import { Forum, FRIGG, LOKI, ODIN } from '../support/forum';
import { ABSENT, expectError } from '../support/management';
import { useDatabase, useForum } from '../support/setup';

const lab = Lab.script();
export { lab };
const { describe, it } = lab;

const CLIENTS = '/admin/oauth/clients';
const TOKENS = '/admin/oauth/refresh-tokens';
const DEVICES = '/admin/oauth/device-authorizations';
const BOT = {
    name: 'A bot',
    type: 'confidential',
    allowed_grants: ['client_credentials'],
    allowed_scopes: ['READ_PUBLISHED_THREADS']
};

describe('an endpoint for administrators', () => {
    const database = useDatabase(lab);
    const forum = useForum(lab, { database });

    const ENDPOINTS: [string, string, object?][] = [
        ['GET', CLIENTS],
        ['POST', CLIENTS, BOT],
        ['GET', `${CLIENTS}/${ABSENT}`],
        ['PATCH', `${CLIENTS}/${ABSENT}`, { name: 'Another' }],
        ['DELETE', `${CLIENTS}/${ABSENT}`],
        ['GET', DEVICES],
        ['GET', TOKENS],
        ['DELETE', `${TOKENS}?account_id=nobody`],
        ['DELETE', `${TOKENS}/${ABSENT}`]
    ];

    it('is every route below /admin', () => {
        const routes = forum.server
            .table()
            .map(({ method, path }) => `${method.toUpperCase()} ${path.replace('{id}', ABSENT)}`)
            .filter((route) => route.includes('/admin/'));
        const known = ENDPOINTS.map(([method, path]) => `${method} /api${path.replace(/\?.*/, '')}`);
        expect(routes.sort()).to.equal(known.sort());
    });

    it('opens to a session with ADMINISTRATOR only', async () => {
        const everything = forum.addAccount(FORUM_PERMISSIONS.filter((permission) => permission !== 'ADMINISTRATOR'));
        const suspended = forum.addAccount(['ADMINISTRATOR']);
        forum.accounts.delete(suspended);
        const rows = await database.dataSource.getRepository(OAuthClient).count();
        for (const [method, path, body] of ENDPOINTS) {
            const what = `${method} ${path}`;
            for (const account of [FRIGG, LOKI, everything]) {
                const answer = await forum.as(account, method, path, body);
                expectError(answer, 403, 'forbidden', what);
                expect(answer.body.metadata).to.equal({ permission: 'ADMINISTRATOR' });
            }
            for (const account of [null, suspended]) {
                expectError(await forum.as(account, method, path, body), 401, 'unauthorized', what);
            }
        }
        expect(await database.dataSource.getRepository(OAuthClient).count()).to.equal(rows);
    });

    it('opens to no access token, not even an administrator\u2019s', async () => {
        const { access_token: token } = await forum.signIn(ODIN);
        for (const [method, path, body] of ENDPOINTS) {
            const answer = await forum.as(null, method, path, body, { authorization: `Bearer ${token}` });
            expectError(answer, 401, 'unauthorized', `${method} ${path}`);
        }
    });

    it('opens to no page of another site', async () => {
        for (const [method, path, body] of ENDPOINTS.filter(([verb]) => verb !== 'GET')) {
            for (const headers of [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }]) {
                const answer = await forum.as(ODIN, method, path, body, headers as unknown as Record<string, string>);
                expectError(answer, 403, 'forbidden', `${method} ${path}`);
            }
        }
    });

    it('asks for the permission that the option permissions.administrator names', async () => {
        const other = await Forum.create(database.dataSource, {
            permissions: { all: ['RULE', 'READ'], administrator: 'RULE' }
        });
        other.account(FRIGG).permissions = ['RULE'];
        expect((await other.as(FRIGG, 'GET', CLIENTS)).status).to.equal(200);
        expect((await other.as(ODIN, 'GET', CLIENTS)).status).to.equal(403);
        await other.stop();
    });
});
