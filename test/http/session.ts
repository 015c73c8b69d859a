import * as Boom from '@hapi/boom';
import { expect } from '@hapi/code';
import type { Lifecycle, Server } from '@hapi/hapi';
import * as Lab from '@hapi/lab';
import type { Options } from '../../plugin/index';
import { CLI, Forum, FRIGG, LOKI, openDatabase, type Answer, type OpenDatabase } from '../support/forum';

const lab = Lab.script();
export { lab };
const { after, afterEach, before, describe, it } = lab;

const PROTOCOL = '/oauth/device/consent?user_code=AAAA-AAAA';
const MANAGEMENT = '/auth/oauth/clients';

let database: OpenDatabase;
let forums: Forum[] = [];

before(async () => {
    database = await openDatabase('embedded');
});

afterEach(async () => {
    await Promise.all(forums.map((forum) => forum.stop()));
    forums = [];
});

after(() => database.done());

/** A host with a strategy `other` beside its strategy `session`. */
async function host(
    authenticate: Lifecycle.Method | null,
    session: Partial<Options['session']> = {},
    prepare?: (server: Server) => void
): Promise<Forum> {
    const forum = await Forum.create(
        database.dataSource,
        { session: { strategy: authenticate ? 'other' : 'session', ...session } },
        '/api',
        {
            prepare: (server) => {
                server.auth.scheme('other', () => ({ authenticate: authenticate ?? ((_request, h) => h.continue) }));
                server.auth.strategy('other', 'other');
                prepare?.(server);
            }
        }
    );
    forums.push(forum);
    return forum;
}

function expectNobody(answer: Answer, shape: 'protocol' | 'management'): void {
    expect(answer.status, answer.text).to.equal(401);
    expect(answer.headers.location).to.be.undefined();
    expect(answer.headers['cache-control']).to.equal('no-store');
    expect(answer.headers.pragma).to.equal('no-cache');
    expect(Object.keys(answer.body)).to.equal(
        shape === 'protocol'
            ? ['error', 'error_description']
            : ['error', 'message', 'error_description', 'suggested', 'metadata']
    );
    expect(answer.body.error).to.equal(shape === 'protocol' ? 'login_required' : 'unauthorized');
}

async function expectNobodyEverywhere(forum: Forum, headers: Record<string, string> = {}): Promise<void> {
    expectNobody(await forum.as(null, 'GET', PROTOCOL, undefined, headers), 'protocol');
    const decision = { user_code: 'AAAA-AAAA', decision: 'approve' };
    expectNobody(await forum.as(null, 'POST', '/oauth/device/consent', decision, headers), 'protocol');
    expectNobody(await forum.as(null, 'GET', MANAGEMENT, undefined, headers), 'management');
    expectNobody(await forum.as(null, 'POST', MANAGEMENT, {}, headers), 'management');
    expectNobody(await forum.as(null, 'DELETE', '/auth/oauth/tokens/x', undefined, headers), 'management');
}

describe('an endpoint for a signed-in member', () => {
    it('responds 401 without a session', async () => {
        await expectNobodyEverywhere(await host(null));
    });

    it('responds 401 where the strategy redirects or responds by itself, whatever the mode', async () => {
        const answers: Lifecycle.Method[] = [
            (_request, h) => h.redirect('/login').takeover(),
            (_request, h) => h.response('<h1>Sign in</h1>').takeover(),
            (_request, h) => h.response({ please: 'sign in' }).code(200).state('seen', '1').takeover(),
            (_request, h) => h.response().code(204).takeover()
        ];
        for (const answer of answers) {
            await expectNobodyEverywhere(await host(answer));
            await expectNobodyEverywhere(await host(answer, { strategy: ['session', 'other'] }));
        }
    });

    it('responds 401 however the strategy refuses', async () => {
        for (const error of [
            Boom.unauthorized(),
            Boom.unauthorized(null, 'other'),
            Boom.forbidden('No.'),
            Boom.notFound()
        ]) {
            await expectNobodyEverywhere(await host((_request, h) => h.unauthenticated(error)));
            await expectNobodyEverywhere(
                await host(() => {
                    throw error;
                })
            );
        }
    });

    it('accepts any of several strategies', async () => {
        const forum = await host(
            ({ headers }, h) =>
                typeof headers['x-member'] === 'string'
                    ? h.authenticated({ credentials: { accountId: headers['x-member'] } })
                    : h.unauthenticated(Boom.unauthorized(null, 'other')),
            { strategy: ['session', 'other'] }
        );
        expect((await forum.as(FRIGG, 'GET', MANAGEMENT)).status).to.equal(200);
        expect((await forum.as(null, 'GET', MANAGEMENT, undefined, { 'x-member': LOKI })).status).to.equal(200);
        await expectNobodyEverywhere(forum);
    });

    it('reads the account id with session.accountId', async () => {
        const session = {
            strategy: 'other',
            accountId: ({ user }: Record<string, unknown>) => (user as { id: string }).id
        };
        const forum = await host((_request, h) => h.authenticated({ credentials: { user: { id: FRIGG } } }), session);
        expect((await forum.as(null, 'GET', MANAGEMENT)).status).to.equal(200);
    });

    it('responds 401 to credentials without a usable account id', async () => {
        for (const accountId of [undefined, null, '', 5, {}, ['frigg'], 'x'.repeat(129), 'nobody']) {
            await expectNobodyEverywhere(
                await host((_request, h) => h.authenticated({ credentials: { accountId } as Record<string, unknown> }))
            );
        }
    });

    it('responds 401 to an account id that neither a database nor a token can hold unchanged', async () => {
        // Both would be stored as the same replacement character.
        for (const accountId of ['frigg\ud800', 'frigg\ud801']) {
            const forum = await host((_request, h) => h.authenticated({ credentials: { accountId } }));
            forum.accounts.set(accountId, { ...forum.account(FRIGG), id: accountId });
            await expectNobodyEverywhere(forum);
        }
    });

    it('responds 401 to the session of an account that may not act', async () => {
        const forum = await host(null);
        forum.accounts.delete(LOKI);
        await expectNobodyEverywhere(forum, { cookie: `session=${LOKI}` });
    });

    it('accepts no access token', async () => {
        const forum = await host(null);
        const { access_token: token } = await forum.signIn();
        await expectNobodyEverywhere(forum, { authorization: `Bearer ${token}` });
    });

    it('responds whole, whatever range is asked for', async () => {
        const forum = await host(null);
        const whole = await forum.as(FRIGG, 'GET', MANAGEMENT);
        for (const range of ['bytes=0-1', 'bytes=9999-', '%ff']) {
            const answer = await forum.as(FRIGG, 'GET', MANAGEMENT, undefined, { range });
            expect([answer.status, answer.text]).to.equal([200, whole.text]);
            expect(answer.headers['cache-control']).to.equal('no-store');
        }
    });

    it('responds 500 where the strategy or the host fails, without their message', async () => {
        const failing = (error: Error) =>
            host(() => {
                throw error;
            });
        const broken = await failing(new Error('Redis at 10.0.0.5 said hunter2'));
        const awayError = Object.assign(new Error('connect ECONNREFUSED 10.0.0.5'), { code: 'ECONNREFUSED' });
        const away = await failing(awayError);
        const maintained = await failing(Boom.serverUnavailable('10.0.0.5 is being upgraded'));
        const confused = await host((_request, h) => h.authenticated({ credentials: {} }), {
            accountId: () => {
                throw new Error('hunter2');
            }
        });
        for (const [forum, status, protocol, management] of [
            [broken, 500, 'server_error', 'internal_error'],
            [confused, 500, 'server_error', 'internal_error'],
            [away, 503, 'temporarily_unavailable', 'unavailable'],
            [maintained, 503, 'temporarily_unavailable', 'unavailable']
        ] as const) {
            for (const [path, error] of [
                [PROTOCOL, protocol],
                [MANAGEMENT, management]
            ] as const) {
                const answer = await forum.as(null, 'GET', path);
                expect(answer.status, answer.text).to.equal(status);
                expect(answer.body.error).to.equal(error);
                expect(answer.text).to.not.contain('hunter2');
                expect(answer.text).to.not.contain('10.0.0.5');
                expect(answer.headers['cache-control']).to.equal('no-store');
                expect(answer.headers['retry-after'] !== undefined).to.equal(status === 503);
            }
        }
    });
});

describe('a default strategy of the host', () => {
    it('does not apply to endpoints without a session', async () => {
        const forum = await host(null, {}, (server) => server.auth.default('session'));
        for (const path of ['/oauth/jwks', '/.well-known/openid-configuration']) {
            expect((await forum.as(null, 'GET', path)).status).to.equal(200);
        }
        const { refresh_token: token } = await forum.signIn();
        expect((await forum.refresh(token)).status).to.equal(200);
        expect((await forum.form('/oauth/device_authorization', CLI)).status).to.equal(200);
        await expectNobodyEverywhere(forum);
    });
});
