import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import * as fc from 'fast-check';
import { generateSigningKey, pruneRefreshChains } from '../../plugin';
import { Forum, FRIGG, ODIN, openDatabase, unique, type Answer, type OpenDatabase } from '../support/forum';
import { Chains, type Presented } from './chains';

const lab = Lab.script();
export { lab };
const { after, before, describe, it } = lab;

/** How many sequences are tried; more of them by MODEL_RUNS. */
const RUNS = Number(process.env.MODEL_RUNS ?? 40);

const PERMISSIONS = ['CREATE_POST', 'READ_PROFILE', 'UPLOAD_ASSET', 'ADMINISTRATOR'];

/** What members, clients, administrators, thieves and time do. Numbers pick among what there is. */
type Step =
    | { do: 'sign in'; account: string; client: number; scope: string[] }
    | { do: 'refresh'; token: number; scope: string[] | null; client: number | null }
    | { do: 'pass'; seconds: number }
    | { do: 'member revokes'; token: number }
    | { do: 'client revokes'; token: number; client: number | null }
    | { do: 'permissions'; account: string; permissions: string[] }
    | { do: 'allowed'; client: number; scopes: string[] }
    | { do: 'suspend'; account: string }
    | { do: 'sweep' };

const pick = fc.nat({ max: 1000 });
const account = fc.constantFrom(FRIGG, ODIN);
const permissions = fc.subarray(PERMISSIONS);
const scope = fc.subarray(['openid', 'offline_access', ...PERMISSIONS]);

const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 2, arbitrary: fc.record({ do: fc.constant('sign in' as const), account, client: pick, scope }) },
    {
        weight: 9,
        arbitrary: fc.record({
            do: fc.constant('refresh' as const),
            // Mostly the newest tokens, as in life.
            token: fc.oneof(fc.nat({ max: 2 }), pick),
            scope: fc.option(scope, { freq: 5 }),
            client: fc.option(pick, { freq: 8 })
        })
    },
    {
        weight: 5,
        arbitrary: fc.record({
            do: fc.constant('pass' as const),
            seconds: fc.constantFrom(1, 30, 59, 60, 60, 61, 600, 3600, 86_400, 8 * 86_400, 31 * 86_400)
        })
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('member revokes' as const), token: pick }) },
    {
        weight: 1,
        arbitrary: fc.record({
            do: fc.constant('client revokes' as const),
            token: pick,
            client: fc.option(pick, { freq: 2 })
        })
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('permissions' as const), account, permissions }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('allowed' as const), client: pick, scopes: scope }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('suspend' as const), account }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('sweep' as const) }) }
);

describe('refresh chains in any order of events', () => {
    let database: OpenDatabase;

    before(async () => {
        database = await openDatabase();
    });

    after(() => database.done());

    for (const refreshRetryWindow of [60, 0, 7200, 'until-used'] as const) {
        it(`do what the model does, with a retry window of ${refreshRetryWindow}`, { timeout: 600_000 }, async () => {
            const forum = await Forum.create(database.dataSource, {
                lifetimes: { refreshRetryWindow },
                signingKeys: [await generateSigningKey('ES256')]
            });
            await fc.assert(
                fc.asyncProperty(fc.array(step, { minLength: 8, maxLength: 40 }), async (steps) => {
                    await new Story(forum, new Chains(refreshRetryWindow)).run(steps);
                }),
                { numRuns: RUNS }
            );
            await forum.stop();
        });
    }
});

/** One sequence, done to a forum and to the model at once. */
class Story {
    /** Two clients of a member's and the built-in one. */
    private clients: { id: string; clientId: string }[] = [];
    /** Every token that was ever handed out, newest first. */
    private tokens: Presented[] = [];

    constructor(
        private readonly forum: Forum,
        private readonly model: Chains
    ) {}

    async run(steps: Step[]): Promise<void> {
        await this.begin();
        for (const each of steps) {
            await this.take(each);
        }
    }

    private async begin(): Promise<void> {
        const { forum, model } = this;
        for (const id of [FRIGG, ODIN]) {
            this.setPermissions(id, ['ADMINISTRATOR']);
        }
        for (const name of [unique('one '), unique('two ')]) {
            const { client } = await forum.createClient(ODIN, {
                name,
                type: 'public',
                allowed_grants: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
                allowed_scopes: ['openid', 'offline_access', ...PERMISSIONS]
            });
            this.clients.push({ id: client.id, clientId: client.client_id });
            model.allow(client.client_id, client.allowed_scopes);
        }
        this.clients.push({ id: '', clientId: 'storyden-cli' });
        model.inherit('storyden-cli', ['openid', 'profile', 'offline_access']);
    }

    private setPermissions(id: string, names: string[]): void {
        // Whoever may not approve can begin nothing; that has tests of its own.
        const listed = [...names, 'USE_OAUTH_CLIENTS'];
        this.forum.accounts.set(id, { id, handle: id.slice(0, 5), name: id.slice(0, 5), permissions: listed });
        this.model.permit(id, listed);
    }

    private async take(taken: Step): Promise<void> {
        const { forum, model } = this;
        switch (taken.do) {
            case 'sign in':
                return this.signIn(taken.account, taken.client, taken.scope);
            case 'refresh':
                return this.refresh(taken.token, taken.scope, taken.client);
            case 'pass':
                return forum.pass(taken.seconds);
            case 'permissions':
                return this.setPermissions(taken.account, taken.permissions);
            case 'suspend':
                forum.accounts.delete(taken.account);
                return model.suspend(taken.account);
            case 'allowed':
                return this.allow(taken.client, taken.scopes);
            case 'member revokes':
                return this.memberRevokes(taken.token);
            case 'client revokes':
                return this.clientRevokes(taken.token, taken.client);
            case 'sweep':
                await pruneRefreshChains(this.forum.dataSource, { clock: () => forum.now });
        }
    }

    private client(place: number): { id: string; clientId: string } {
        return this.clients[place % this.clients.length]!;
    }

    private async signIn(accountId: string, place: number, asked: string[]): Promise<void> {
        const { forum, model } = this;
        if (!forum.accounts.has(accountId)) {
            return;
        }
        const { clientId } = this.client(place);
        const requested = clientId === 'storyden-cli' ? ['openid', 'profile', 'offline_access'] : asked;
        if (!model.mayAsk(clientId, requested)) {
            return;
        }
        const tokens = await forum.signIn(accountId, { client_id: clientId, scope: requested.join(' ') });
        const began = model.begin(accountId, clientId, requested, forum.now);
        expect(tokens.scope).to.equal(began.scope.join(' '));
        expect(tokens.refresh_token !== undefined).to.equal(began.chain !== null);
        if (began.chain !== null) {
            this.tokens.unshift({ chain: began.chain, generation: 0, text: tokens.refresh_token, clientId });
        }
    }

    private async refresh(place: number, asked: string[] | null, foreign: number | null): Promise<void> {
        const token = this.tokens[place % this.tokens.length];
        if (!token) {
            return;
        }
        const clientId = foreign === null ? token.clientId : this.client(foreign).clientId;
        const answer = await this.forum.refresh(token.text, {
            client_id: clientId,
            ...(asked !== null && { scope: asked.join(' ') })
        });
        const expected = this.model.refresh(token, clientId, asked ?? [], this.forum.now);
        if ('error' in expected) {
            expect(this.outcome(answer)).to.equal(expected.error);
            return;
        }
        expect(this.outcome(answer)).to.equal(expected.scope.join(' '));
        const text = answer.body.refresh_token as string;
        const known = this.tokens.find(
            ({ chain, generation }) => chain === token.chain && generation === expected.generation
        );
        // A successor is the same whenever it is handed out.
        expect(text).to.equal(known?.text ?? text);
        if (!known) {
            this.tokens.unshift({ ...token, generation: expected.generation, text });
        }
    }

    private outcome({ status, body }: Answer): string {
        return status === 200 ? (body.scope as string) : (body.error as string);
    }

    private async allow(place: number, scopes: string[]): Promise<void> {
        const { id, clientId } = this.client(place);
        if (id === '') {
            return;
        }
        // The owner is an administrator for as long as this takes: what he may allow has tests of its own.
        const { accounts } = this.forum;
        const owner = accounts.get(ODIN);
        accounts.set(ODIN, { id: ODIN, handle: 'odin', name: 'Odin', permissions: ['ADMINISTRATOR'] });
        const answer = await this.forum.as(ODIN, 'PATCH', `/auth/oauth/clients/${id}`, { allowed_scopes: scopes });
        expect(answer.status).to.equal(200);
        this.model.allow(clientId, scopes);
        if (owner) {
            accounts.set(ODIN, owner);
        } else {
            accounts.delete(ODIN);
        }
    }

    private async memberRevokes(place: number): Promise<void> {
        const token = this.tokens[place % this.tokens.length];
        const owner = token && this.model.ownerOf(token.chain);
        if (!token || owner === undefined || !this.forum.accounts.has(owner)) {
            return;
        }
        const grantId = token.text.slice('sdort_'.length, 'sdort_'.length + 20);
        const { body } = await this.forum.as(owner, 'GET', '/auth/oauth/tokens');
        const row = (body.tokens as { id: string; grant_id: string }[]).find((each) => each.grant_id === grantId);
        if (row) {
            expect((await this.forum.as(owner, 'DELETE', `/auth/oauth/tokens/${row.id}`)).status).to.equal(204);
            this.model.end(token.chain);
        }
    }

    private async clientRevokes(place: number, foreign: number | null): Promise<void> {
        const token = this.tokens[place % this.tokens.length];
        if (!token) {
            return;
        }
        const clientId = foreign === null ? token.clientId : this.client(foreign).clientId;
        const answer = await this.forum.form('/oauth/revoke', { client_id: clientId, token: token.text });
        expect(answer.status).to.equal(200);
        if (clientId === token.clientId) {
            this.model.end(token.chain);
        }
    }
}
