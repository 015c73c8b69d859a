import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import * as fc from 'fast-check';
import { expireDeviceCodes, generateSigningKey, pruneRefreshChains } from '../../plugin';
import {
    authorize,
    bearer,
    decideRequest,
    locationOf,
    parametersOf,
    pkce,
    readRequest,
    redeem,
    REDIRECT_URI,
    type App
} from '../support/authorization';
import { emptyTables, explore, numberOf, seedOf } from '../support/exploration';
import { CLI, DEVICE_CODE, Forum, unique, type Answer, type OpenDatabase } from '../support/forum';
import { FORGED, ORDER, Provider, type Outcome, type Presented } from './provider';
import { createRefreshToken } from '../../plugin/tokens/refresh-token';
import { useDatabase } from '../support/setup';

/*
 * Sequences of what several members, their applications, administrators, thieves and time do, done to a forum and to a
 * model of it at once. The two may never answer differently.
 *
 *     MODEL_SEED=1 npm test -- test/model           with what a run that failed has named
 *     MODEL_RUNS=10000 npm test -- test/model       so many sequences, with counts on standard output
 *
 * The sequences follow from the seed; ids and secrets in them are the forum's own and random.
 */

const lab = Lab.script();
export { lab };
const { after, describe, it } = lab;

/** Sequences to one set of tables, and the least that are tried of each retry window. */
const PART = 5;
const SECONDS = numberOf('MODEL_SECONDS') ?? 4;
const RUNS = numberOf('MODEL_RUNS');
const SEED = seedOf('MODEL_SEED');

/** Each with one way of checking the permissions of access tokens, and with as many grants of an account to a client. */
const WINDOWS = [
    [60, 'token', 1],
    [0, 'current', 100],
    [7200, 'token', 2],
    ['until-used', 'current', 100]
] as const;

const ADMINISTRATOR = 'odin0000000000000000';
const PERMISSIONS = ['CREATE_POST', 'READ_PROFILE', 'UPLOAD_ASSET', 'ADMINISTRATOR'];

/** Numbers pick among what there is: members, clients, tokens. A secret is one that the client has had, or none. */
type Step =
    | {
          do: 'approve';
          member: number;
          client: number;
          scope: string[];
          byCode: boolean;
          at: 'once' | 'leisure';
          /** What changes while the consent page is open: the member's permissions, what the client is allowed. */
          meanwhile: { permissions: string[] | null; allowed: string[] | null };
      }
    | { do: 'redeem'; approval: number; client: number | null; secret: number }
    | { do: 'refresh'; token: number; scope: string[] | null; client: number | null; secret: number }
    | { do: 'use'; token: number }
    | { do: 'act as owner'; scope: string[]; secret: number }
    | { do: 'introspect'; token: number; secret: number }
    | { do: 'list'; member: number }
    | { do: 'pass'; seconds: number }
    | { do: 'member revokes'; token: number; member: number | null }
    | { do: 'member revokes client'; member: number; client: number }
    | { do: 'administrator revokes'; token: number }
    | { do: 'client revokes'; token: number; client: number | null; secret: number; byAccessToken: boolean }
    | { do: 'suspend client'; client: number; isSuspended: boolean }
    | { do: 'permissions'; member: number; permissions: string[]; mayApprove: boolean }
    | { do: 'suspend'; member: number }
    | { do: 'allowed'; client: number; member: number | null; scopes: string[] }
    | { do: 'policy'; client: number; inherits: boolean }
    | { do: 'grants'; client: number; mayRefresh: boolean }
    | { do: 'rotate secret'; member: number | null; overlap: number }
    | { do: 'delete client'; client: number; member: number | null }
    | { do: 'lose'; token: number; count: number; next: ('lost' | 'head')[] }
    | { do: 'forge'; token: number; ahead: number; withProof: boolean; toRevoke: boolean }
    | { do: 'sweep' };

type Fields<Kind extends Step['do']> = {
    [Name in keyof Omit<Extract<Step, { do: Kind }>, 'do'>]: fc.Arbitrary<Extract<Step, { do: Kind }>[Name]>;
};

const step = <Kind extends Step['do']>(
    weight: number,
    kind: Kind,
    fields: Fields<Kind>
): fc.WeightedArbitrary<Step> => ({
    weight,
    arbitrary: fc.record({ do: fc.constant(kind), ...fields }) as unknown as fc.Arbitrary<Step>
});

const pick = fc.nat({ max: 1000 });
/** Mostly the newest, as in life. */
const recent = fc.oneof(fc.nat({ max: 2 }), pick);
const scope = fc.subarray(['openid', 'offline_access', ...PERMISSIONS]);
/** Mostly one that goes on. */
const lasting = scope.map((names) => [...new Set([...names, ...(names.length % 4 === 1 ? [] : ['offline_access'])])]);
const other = fc.option(pick, { freq: 2 }).map((number) => (number !== null && number % 4 === 0 ? number : null));
/** 0: the one that it should be. */
const secret = fc.nat({ max: 9 });

const sequence = fc.array(
    fc.oneof(
        step(4, 'approve', {
            member: pick,
            client: pick,
            scope: lasting,
            byCode: fc.boolean(),
            at: fc.constantFrom('once', 'once', 'once', 'leisure'),
            meanwhile: fc.record({
                permissions: fc.option(fc.subarray(PERMISSIONS), { freq: 3 }),
                allowed: fc.option(lasting, { freq: 3 })
            })
        }),
        step(2, 'redeem', { approval: recent, client: other, secret }),
        step(12, 'refresh', { token: recent, scope: fc.option(scope, { freq: 5 }), client: other, secret }),
        step(3, 'use', { token: recent }),
        step(1, 'act as owner', { scope, secret }),
        step(1, 'introspect', { token: recent, secret }),
        step(1, 'list', { member: pick }),
        step(6, 'pass', {
            seconds: fc.constantFrom(1, 30, 59, 60, 60, 61, 300, 600, 899, 900, 3600, 86_400, 8 * 86_400, 31 * 86_400)
        }),
        step(1, 'member revokes', { token: recent, member: other }),
        step(1, 'member revokes client', { member: pick, client: pick }),
        step(1, 'administrator revokes', { token: recent }),
        step(1, 'client revokes', { token: recent, client: other, secret, byAccessToken: fc.boolean() }),
        step(1, 'suspend client', { client: pick, isSuspended: fc.boolean() }),
        step(2, 'permissions', {
            member: pick,
            permissions: fc.subarray(PERMISSIONS),
            mayApprove: fc.nat({ max: 7 }).map(Boolean)
        }),
        step(1, 'suspend', { member: pick }),
        step(2, 'allowed', { client: pick, member: other, scopes: lasting }),
        step(1, 'policy', { client: pick, inherits: fc.boolean() }),
        step(1, 'grants', { client: pick, mayRefresh: fc.nat({ max: 2 }).map(Boolean) }),
        step(1, 'rotate secret', { member: other, overlap: fc.constantFrom(0, 600) }),
        step(1, 'delete client', { client: fc.nat({ max: 12 }), member: other }),
        step(3, 'lose', {
            token: recent,
            count: fc.integer({ min: 1, max: 2 }),
            next: fc.constantFrom([], ['lost'], ['head', 'lost'], ['lost', 'head', 'lost'])
        }),
        step(1, 'forge', {
            token: recent,
            ahead: fc.constantFrom(-1, 0, 0, 1, 5),
            // Whoever has read the database ends every family sooner or later.
            withProof: fc.nat({ max: 3 }).map((number) => number === 0),
            toRevoke: fc.boolean()
        }),
        step(2, 'sweep', {})
    ),
    { minLength: 8, maxLength: 50, size: 'max' }
);

describe('members, applications, administrators and time, in any order', () => {
    const database = useDatabase(lab);
    let sequences = 0;
    let operations = 0;

    after(async () => {
        if (RUNS !== undefined) {
            console.log(`\nMODEL ${JSON.stringify({ sequences, operations })}`);
        }
    });

    for (const [place, [refreshRetryWindow, permissions, mostGrants]] of WINDOWS.entries()) {
        const name = `do what the model does, with a retry window of ${refreshRetryWindow}`;
        // Other sequences for each.
        const offset = place * 1_000_000;
        it(name, { timeout: 0 }, async () => {
            const forum = await hostOf(database, { refreshRetryWindow, permissions, mostGrants });
            const made = await explore(
                {
                    name: `A retry window of ${refreshRetryWindow}`,
                    again: (seed) => `MODEL_SEED=${(seed - offset + 2 ** 31) % 2 ** 31}`,
                    seed: SEED + offset,
                    part: PART,
                    runs: RUNS && Math.floor((RUNS + place) / WINDOWS.length),
                    seconds: SECONDS / WINDOWS.length
                },
                async () => {
                    await emptyTables(database.dataSource);
                    return fc.asyncProperty(sequence, async (steps) => {
                        await new Story(forum, new Provider(refreshRetryWindow, permissions, mostGrants)).run(steps);
                        sequences += 1;
                        operations += steps.length;
                    });
                }
            );
            expect(made).to.be.at.least(RUNS === undefined ? PART : Math.floor(RUNS / WINDOWS.length));
            await forum.stop();
        });
    }
});

/** A forum with a route that any access token opens, and one for each permission. */
async function hostOf(
    { dataSource }: OpenDatabase,
    {
        refreshRetryWindow,
        permissions,
        mostGrants
    }: { refreshRetryWindow: number | 'until-used'; permissions: 'token' | 'current'; mostGrants: number }
): Promise<Forum> {
    const forum = await Forum.create(dataSource, {
        lifetimes: { refreshRetryWindow },
        bearer: { permissions },
        signingKeys: [await generateSigningKey('ES256')],
        limits: false,
        caps: { clientsPerAccount: 1000, pendingDevicesPerAddress: 1_000_000, grantsPerAccountAndClient: mostGrants }
    });
    for (const permission of [null, ...ORDER]) {
        forum.server.route({
            method: 'GET',
            path: `/api/needs/${permission ?? 'nothing'}`,
            options: { auth: { strategy: 'oauth', ...(permission !== null && { access: { scope: [permission] } }) } },
            handler: ({ auth }) => auth.credentials
        });
    }
    return forum;
}

/** A request for consent: an error, or what is shown and the way to approve it. */
type Asking = { error: string } | { shown: string[]; approve: () => Promise<Approved> };

/** The code of an approval. */
interface Approved {
    error?: string;
    text?: string;
    verifier?: string;
}

/** One sequence, done to a forum and to the model at once. */
class Story {
    readonly #members: string[];
    /** As their developers know them, in the order of the model's. */
    readonly #apps: (App & { secrets: string[] })[] = [];
    /** Every refresh token that was ever handed out, newest first. */
    readonly #tokens: Presented[] = [];
    /** The codes of approvals, in the order of the model's. */
    readonly #codes: { client: number; text: string; verifier?: string }[] = [];
    readonly #accessTokens: string[] = [];

    constructor(
        private readonly forum: Forum,
        private readonly model: Provider
    ) {
        this.#members = [forum.addAccount(), forum.addAccount(), forum.addAccount()];
    }

    async run(steps: Step[]): Promise<void> {
        await this.begin();
        this.forum.events.length = 0;
        for (const each of steps) {
            await this.take(each);
        }
        const told = this.forum.events.filter(({ type }) => type === 'refresh_token_reused');
        expect(told).to.have.length(this.model.reuses);
        for (const member of this.#members) {
            await this.list(member);
            this.forum.accounts.delete(member);
        }
    }

    private async begin(): Promise<void> {
        const { forum, model } = this;
        this.#members.forEach((member) => this.permit(member, ['ADMINISTRATOR']));
        const grants = ['authorization_code', 'refresh_token'];
        const kinds = [
            { type: 'public', allowed_grants: [DEVICE_CODE, ...grants], pkce_required: true },
            { type: 'confidential', allowed_grants: ['client_credentials', ...grants] }
        ];
        for (const [place, kind] of kinds.entries()) {
            const owner = this.#members[place]!;
            const { client, client_secret: secret } = await forum.createClient(owner, {
                name: unique('Application '),
                allowed_scopes: ['openid', 'offline_access', ...PERMISSIONS],
                redirect_uris: [REDIRECT_URI],
                ...kind
            });
            this.#apps.push({
                id: client.id,
                client_id: client.client_id,
                redirectUri: REDIRECT_URI,
                secrets: place === 1 ? [secret] : []
            });
            model.clients.push({ ...CLIENT, owner, isConfidential: place === 1, allowed: client.allowed_scopes });
        }
        this.#apps.push({ id: '', client_id: CLI.client_id, redirectUri: '', secrets: [] });
        model.clients.push({ ...CLIENT, inherits: true, allowed: CLI.scope.split(' ') });
    }

    private permit(id: string, permissions: string[]): void {
        this.forum.accounts.set(id, { id, handle: id, name: 'A member', permissions });
        this.model.permit(id, permissions);
    }

    private member(number: number): string {
        return this.#members[number % this.#members.length]!;
    }

    /** The place of a client; with null the one that it should be. */
    private place(number: number | null, own = 0): number {
        return number === null ? own : number % this.#apps.length;
    }

    /** A client's credentials, and the number of the secret among them. 0 stands for what is right. */
    private credentials(place: number, number: number): { number: number | null; fields: Record<string, string> } {
        const { client_id, secrets } = this.#apps[place]!;
        const isRight = number !== 1;
        const which = isRight ? secrets.length - 1 : secrets.length - 2;
        const text = secrets[which];
        return {
            number: text === undefined ? null : which,
            fields: { client_id, ...(text !== undefined && { client_secret: text }) }
        };
    }

    private async take(taken: Step): Promise<void> {
        const { forum, model } = this;
        switch (taken.do) {
            case 'approve':
                return this.approve(taken);
            case 'redeem':
                return this.redeem(taken.approval, taken.client, taken.secret);
            case 'refresh':
                return this.refresh(taken);
            case 'use':
                return this.use(taken.token);
            case 'act as owner':
                return this.actAsOwner(taken.scope, taken.secret);
            case 'introspect':
                return this.introspect(taken.token, taken.secret);
            case 'list':
                return this.list(this.member(taken.member));
            case 'pass':
                return forum.pass(taken.seconds);
            case 'member revokes':
                return this.revokeRow(taken.token, taken.member === null ? null : this.member(taken.member));
            case 'member revokes client':
                return this.revokeClient(this.member(taken.member), this.place(taken.client));
            case 'administrator revokes':
                return this.revokeRow(taken.token, ADMINISTRATOR);
            case 'client revokes':
                return taken.byAccessToken
                    ? this.clientRevokesAccess(taken.token, taken.client, taken.secret)
                    : this.clientRevokes(taken.token, taken.client, taken.secret);
            case 'suspend client':
                return this.suspendClient(taken.client, taken.isSuspended);
            case 'permissions':
                return this.permit(this.member(taken.member), [
                    ...taken.permissions,
                    ...(taken.mayApprove ? ['USE_OAUTH_CLIENTS'] : [])
                ]);
            case 'suspend':
                forum.accounts.delete(this.member(taken.member));
                return model.suspend(this.member(taken.member));
            case 'allowed':
                return this.change(taken.client, taken.member, { allowed_scopes: taken.scopes });
            case 'policy':
                return this.change(taken.client, null, { scope_policy: taken.inherits ? 'inherit' : 'explicit' });
            case 'grants':
                return this.change(taken.client, null, { mayRefresh: taken.mayRefresh });
            case 'rotate secret':
                return this.rotateSecret(taken.member, taken.overlap);
            case 'delete client':
                return this.deleteClient(taken.client, taken.member);
            case 'lose':
                return this.lose(taken);
            case 'forge':
                return this.forge(taken);
            case 'sweep':
                await expireDeviceCodes(forum.dataSource, { clock: () => forum.now });
                await pruneRefreshChains(forum.dataSource, { clock: () => forum.now });
                return model.sweep(forum.now);
        }
    }

    private async approve({
        member,
        client,
        scope: asked,
        byCode,
        at,
        meanwhile
    }: Extract<Step, { do: 'approve' }>): Promise<void> {
        const place = this.place(client);
        const { isConfidential, owner } = this.model.clients[place]!;
        const kind = owner !== undefined && (byCode || isConfidential) ? 'code' : 'device';
        const requested = owner === undefined ? CLI.scope.split(' ') : asked;
        const accountId = this.member(member);
        const expected = this.model.ask(kind, accountId, place, requested);
        const begun =
            kind === 'code'
                ? await this.askByCode(accountId, this.#apps[place]!, requested)
                : await this.askByDevice(accountId, this.#apps[place]!, requested);
        expect('error' in begun ? begun.error : begun.shown).to.equal(
            'error' in expected ? expected.error : expected.shown
        );
        if ('error' in begun || 'error' in expected) {
            return;
        }
        if (meanwhile.permissions) {
            this.permit(accountId, [...meanwhile.permissions, 'USE_OAUTH_CLIENTS']);
        }
        if (meanwhile.allowed && owner !== undefined) {
            await this.change(place, null, { allowed_scopes: meanwhile.allowed });
        }
        const found = await begun.approve();
        expect(found.error).to.be.undefined();
        this.model.approve(kind, { accountId, client: place, requested, shown: expected.shown }, this.forum.now);
        this.#codes.push({ client: place, text: found.text!, ...(found.verifier && { verifier: found.verifier }) });
        if (at === 'once') {
            await this.redeem(0, null, 0);
        }
    }

    private async askByDevice(accountId: string, { client_id }: App, requested: string[]): Promise<Asking> {
        const begun = await this.forum.form('/oauth/device_authorization', { client_id, scope: requested.join(' ') });
        if (begun.status !== 200) {
            return begun.body;
        }
        const { device_code: text, user_code: userCode } = begun.body;
        const path = '/oauth/device/consent';
        const shown = await this.forum.as(accountId, 'GET', `${path}?user_code=${userCode}`);
        if (shown.status !== 200) {
            return shown.body;
        }
        const approve = async (): Promise<Approved> => {
            const decision = { user_code: userCode, decision: 'approve' };
            const { status, body } = await this.forum.as(accountId, 'POST', path, decision);
            return status === 200 ? { text } : body;
        };
        return { shown: shown.body.granted_scopes, approve };
    }

    private async askByCode(accountId: string, app: App, requested: string[]): Promise<Asking> {
        const { verifier, challenge } = pkce();
        const parameters = parametersOf(app, { scope: requested.join(' '), code_challenge: challenge });
        const begun = await authorize(this.forum, accountId, parameters);
        if (begun.status === 400) {
            return begun.body;
        }
        const { searchParams } = new URL(locationOf(begun));
        const requestId = searchParams.get('request_id');
        if (requestId === null) {
            return { error: searchParams.get('error')! };
        }
        const shown = await readRequest(this.forum, accountId, requestId);
        if (shown.status !== 200) {
            return shown.body;
        }
        const approve = async (): Promise<Approved> => {
            const { status, body } = await decideRequest(this.forum, accountId, requestId);
            return status === 200 ? { text: new URL(body.location).searchParams.get('code')!, verifier } : body;
        };
        return { shown: shown.body.granted_scopes, approve };
    }

    private async redeem(number: number, foreign: number | null, secret: number): Promise<void> {
        if (this.#codes.length === 0) {
            return;
        }
        const place = this.#codes.length - 1 - (number % this.#codes.length);
        const { client: own, text, verifier } = this.#codes[place]!;
        const client = this.place(foreign, own);
        const presented = this.credentials(client, secret);
        if (verifier === undefined && this.model.clients[client]!.isConfidential) {
            // Such a client may not use device codes at all.
            return;
        }
        if (verifier !== undefined && this.model.clients[client]!.owner === undefined) {
            return;
        }
        const answer =
            verifier === undefined
                ? await this.forum.token({ grant_type: DEVICE_CODE, device_code: text, ...presented.fields })
                : await redeem(
                      this.forum,
                      { app: this.#apps[client]!, code: text, redirectUri: REDIRECT_URI, verifier },
                      { ...presented.fields, client_secret: presented.fields.client_secret ?? null }
                  );
        this.compare(answer, this.model.redeem(place, client, presented.number, this.forum.now), client);
    }

    private async refresh({
        token: number,
        scope: asked,
        client,
        secret
    }: Extract<Step, { do: 'refresh' }>): Promise<void> {
        const token = this.#tokens[number % this.#tokens.length];
        if (!token) {
            return;
        }
        const place = this.place(client, token.client);
        const presented = this.credentials(place, secret);
        const answer = await this.forum.refresh(token.text, {
            ...presented.fields,
            ...(asked !== null && { scope: asked.join(' ') })
        });
        this.compare(answer, this.model.refresh(token, place, presented.number, asked ?? [], this.forum.now), place);
    }

    /** The newest tokens of a family are lost in a failover, and whoever holds one, or the head that is left, goes on. */
    private async lose({ token, count, next }: Extract<Step, { do: 'lose' }>): Promise<void> {
        const rotated = this.#tokens.filter(({ generation }) => generation > 0);
        const lost = rotated[token % rotated.length];
        if (!lost) {
            return;
        }
        const { dataSource } = this.forum;
        const grantId = grantOf(lost.text);
        const rows: unknown[] = await dataSource.query('SELECT id FROM oauth_refresh_tokens WHERE grant_id = ?', [
            grantId
        ]);
        if (rows.length <= count) {
            return;
        }
        await dataSource.query('DELETE FROM oauth_refresh_tokens WHERE grant_id = ? ORDER BY generation DESC LIMIT ?', [
            grantId,
            count
        ]);
        const head = this.model.lose(lost.family, count);
        for (const which of next) {
            const presented = which === 'lost' ? lost : this.#tokens.find(({ serial }) => serial === head)!;
            const number = this.#tokens.indexOf(presented);
            await this.refresh({ do: 'refresh', token: number, scope: null, client: null, secret: 0 });
        }
    }

    /** Someone makes a token up, with the family's key from the database or without, and refreshes or revokes with it. */
    private async forge({ token, ahead, withProof, toRevoke }: Extract<Step, { do: 'forge' }>): Promise<void> {
        const known = this.#tokens[token % this.#tokens.length];
        if (!known) {
            return;
        }
        const grantId = grantOf(known.text);
        const generation = Math.max(0, known.generation + ahead);
        const [row]: { chain_key: string }[] = await this.forum.dataSource.query(
            'SELECT chain_key FROM oauth_grants WHERE id = ?',
            [grantId]
        );
        const key = withProof && row ? row.chain_key : 'x'.repeat(43);
        const text = createRefreshToken(key, { grantId, generation });
        const { number, fields } = this.credentials(known.client, 0);
        if (!toRevoke) {
            const serial = withProof ? FORGED.withProof : FORGED.withoutProof;
            const expected = this.model.refresh(
                { ...known, generation, serial },
                known.client,
                number,
                [],
                this.forum.now
            );
            return this.compare(await this.forum.refresh(text, fields), expected, known.client);
        }
        const { status } = await this.forum.form('/oauth/revoke', { token: text, ...fields });
        const isKnown = this.model.isKnown(known.client, number, this.forum.now);
        expect(status).to.equal(isKnown ? 200 : 401);
        if (isKnown && withProof) {
            this.model.end(known.family);
        }
    }

    private async actAsOwner(asked: string[], secret: number): Promise<void> {
        const presented = this.credentials(1, secret);
        const answer = await this.forum.token({
            grant_type: 'client_credentials',
            scope: asked.join(' '),
            ...presented.fields
        });
        this.compare(answer, this.model.actAsOwner(1, presented.number, asked, this.forum.now), 1);
    }

    /** Holds an answer of the token endpoint against what is expected, and keeps what it hands out. */
    private compare({ status, body }: Answer, expected: Outcome, client: number): void {
        const found = status === 200 ? `scope: ${body.scope}` : body.error;
        expect(found).to.equal('error' in expected ? expected.error : `scope: ${expected.scope.join(' ')}`);
        if ('error' in expected) {
            return;
        }
        this.#accessTokens.push(body.access_token);
        const text = body.refresh_token as string | undefined;
        expect(text !== undefined).to.equal(expected.refresh !== null);
        if (expected.refresh === null) {
            return;
        }
        const { family, generation, serial } = expected.refresh;
        const known = this.#tokens.find((each) => each.serial === serial);
        // A successor is the same whenever it is handed out.
        expect(text).to.equal(known?.text ?? text);
        if (!known) {
            this.#tokens.unshift({ family, generation, serial, text: text!, client });
        }
    }

    /** What an access token opens: routes by their permissions, userinfo by `openid`. */
    private async use(number: number): Promise<void> {
        if (this.#accessTokens.length === 0) {
            return;
        }
        const place = this.#accessTokens.length - 1 - (number % this.#accessTokens.length);
        const headers = bearer(this.#accessTokens[place]!);
        const get = (path: string): Promise<Answer> => this.forum.as(null, 'GET', path, undefined, headers);
        const { grant, scope: literal } = this.model.accessTokens[place]!;
        const { accountId, client } = grant;
        const worth = this.model.worth(place, this.forum.now);
        const opened = await get('/needs/nothing');
        expect(opened.status).to.equal(worth ? 200 : 401);
        if (worth) {
            expect(opened.body).to.include({ accountId, clientId: this.#apps[client]!.client_id });
        }
        for (const permission of ORDER) {
            const { status } = await get(`/needs/${permission}`);
            expect(status, permission).to.equal(!worth ? 401 : worth.includes(permission) ? 200 : 403);
        }
        const told = await get('/oauth/userinfo');
        const isValid = this.model.isInForce(place, this.forum.now);
        expect(told.status).to.equal(!isValid ? 401 : literal.includes('openid') ? 200 : 403);
    }

    private async introspect(number: number, secret: number): Promise<void> {
        const token = this.#tokens[number % this.#tokens.length];
        if (!token) {
            return;
        }
        const presented = this.credentials(1, secret);
        const { status, body } = await this.forum.form('/oauth/introspect', { token: token.text, ...presented.fields });
        const isKnown = this.model.isKnown(1, presented.number, this.forum.now);
        expect(status).to.equal(isKnown ? 200 : 401);
        if (isKnown) {
            expect(body.active).to.equal(token.client === 1 && this.model.isActive(token, this.forum.now));
        }
    }

    private async list(member: string): Promise<void> {
        const { status, body } = await this.forum.as(member, 'GET', '/auth/oauth/tokens?status=active');
        expect(status).to.equal(this.model.permissionsOf(member) ? 200 : 401);
        if (status === 200) {
            expect(body.results).to.equal(this.model.living(member, this.forum.now));
        }
    }

    /** By the member whose it is, by another or by an administrator; of a row that a cleanup has left. */
    private async revokeRow(number: number, by: string | null): Promise<void> {
        const token = this.#tokens[number % this.#tokens.length];
        if (!token) {
            return;
        }
        const owner = this.model.ownerOf(token.family);
        const grantId = grantOf(token.text);
        const rows: { id: string }[] = await this.forum.dataSource.query(
            'SELECT id FROM oauth_refresh_tokens WHERE grant_id = ? ORDER BY generation LIMIT 1',
            [grantId]
        );
        const path = by === ADMINISTRATOR ? '/admin/oauth/refresh-tokens' : '/auth/oauth/tokens';
        const account = by ?? owner;
        const { status } = await this.forum.as(account, 'DELETE', `${path}/${rows[0]?.id ?? 'cc5lnd2s1s4652adtu50'}`);
        const isTheirs = account === owner || by === ADMINISTRATOR;
        const mayAct = by === ADMINISTRATOR || this.model.permissionsOf(account) !== undefined;
        expect(status).to.equal(!mayAct ? 401 : rows[0] && isTheirs ? 204 : 404);
        if (status === 204) {
            this.model.end(token.family);
        }
    }

    private async revokeClient(member: string, client: number): Promise<void> {
        const id = this.#apps[client]!.id;
        const { status } = await this.forum.as(member, 'DELETE', `/auth/oauth/tokens?oauth_client_id=${id}`);
        const mayAct = this.model.permissionsOf(member) !== undefined;
        expect(status).to.equal(!mayAct ? 401 : id === '' ? 400 : 204);
        if (status === 204) {
            this.model.endAll((grant) => grant.accountId === member && grant.client === client);
        }
    }

    private async clientRevokes(number: number, foreign: number | null, secret: number): Promise<void> {
        const token = this.#tokens[number % this.#tokens.length];
        if (!token) {
            return;
        }
        const client = this.place(foreign, token.client);
        const presented = this.credentials(client, secret);
        const { status } = await this.forum.form('/oauth/revoke', { token: token.text, ...presented.fields });
        const isKnown = this.model.isKnown(client, presented.number, this.forum.now);
        expect(status).to.equal(isKnown ? 200 : 401);
        if (isKnown && client === token.client) {
            this.model.end(token.family);
        }
    }

    private async clientRevokesAccess(number: number, foreign: number | null, secret: number): Promise<void> {
        if (this.#accessTokens.length === 0) {
            return;
        }
        const place = this.#accessTokens.length - 1 - (number % this.#accessTokens.length);
        const client = this.place(foreign, this.model.accessTokens[place]!.grant.client);
        const presented = this.credentials(client, secret);
        const token = this.#accessTokens[place]!;
        const { status } = await this.forum.form('/oauth/revoke', { token, ...presented.fields });
        const isKnown = this.model.isKnown(client, presented.number, this.forum.now);
        expect(status).to.equal(isKnown ? 200 : 401);
        if (isKnown) {
            this.model.endByAccessToken(place, client, this.forum.now);
        }
    }

    private async suspendClient(number: number, isSuspended: boolean): Promise<void> {
        const place = number % 2;
        const { status } = await this.forum.as(
            ADMINISTRATOR,
            'PATCH',
            `/admin/oauth/clients/${this.#apps[place]!.id}`,
            { status: isSuspended ? 'suspended' : 'active' }
        );
        expect(status).to.equal(this.model.clients[place]!.isDeleted ? 404 : 200);
        this.model.clients[place]!.isSuspended = isSuspended;
    }

    /** An administrator, or with a number a member, changes a client. */
    private async change(
        number: number,
        by: number | null,
        { mayRefresh, ...fields }: { allowed_scopes?: string[]; scope_policy?: string; mayRefresh?: boolean }
    ): Promise<void> {
        // The built-in one cannot be changed.
        const place = number % 2;
        const client = this.model.clients[place]!;
        const [path, account] =
            by === null ? ['/admin/oauth/clients', ADMINISTRATOR] : ['/auth/oauth/clients', this.member(by)];
        const grants = place === 0 ? [DEVICE_CODE, 'authorization_code'] : ['client_credentials', 'authorization_code'];
        const { status } = await this.forum.as(account, 'PATCH', `${path}/${this.#apps[place]!.id}`, {
            ...fields,
            ...(mayRefresh !== undefined && { allowed_grants: [...grants, ...(mayRefresh ? ['refresh_token'] : [])] })
        });
        expect(status).to.equal(this.model.mayChange(place, account, by === null, fields.allowed_scopes));
        if (status === 200) {
            client.allowed = fields.allowed_scopes ?? client.allowed;
            client.inherits = fields.scope_policy === undefined ? client.inherits : fields.scope_policy === 'inherit';
            client.mayRefresh = mayRefresh ?? client.mayRefresh;
        }
    }

    private async rotateSecret(by: number | null, overlap: number): Promise<void> {
        const { id, secrets } = this.#apps[1]!;
        const account = by === null ? this.#members[1]! : this.member(by);
        const { status, body } = await this.forum.as(account, 'POST', `/auth/oauth/clients/${id}/secret`, {
            overlap_seconds: overlap
        });
        expect(status).to.equal(this.expectedOfOwner(1, account));
        if (status === 200) {
            secrets.push(body.client_secret);
            this.model.rotateSecret(1, overlap, this.forum.now);
        }
    }

    /** What an owner cannot do to a suspended client: give it a secret, or delete it. */
    private expectedOfOwner(place: number, account: string): number {
        const expected = this.model.mayChange(place, account, false);
        return expected === 200 && this.model.clients[place]!.isSuspended ? 409 : expected;
    }

    private async deleteClient(number: number, by: number | null): Promise<void> {
        const place = number % 2;
        const [path, account] =
            by === null ? ['/admin/oauth/clients', ADMINISTRATOR] : ['/auth/oauth/clients', this.member(by)];
        const { status } = await this.forum.as(account, 'DELETE', `${path}/${this.#apps[place]!.id}`);
        const expected =
            by === null ? this.model.mayChange(place, account, true) : this.expectedOfOwner(place, account);
        expect(status).to.equal(expected === 200 ? 204 : expected);
        if (status === 204) {
            this.model.deleteClient(place);
        }
    }
}

/** The grant that a refresh token names. */
function grantOf(text: string): string {
    return text.slice('sdort_'.length, 'sdort_'.length + 20);
}

/** What every client begins with. */
const CLIENT = {
    isConfidential: false,
    inherits: false,
    mayRefresh: true,
    isDeleted: false,
    isSuspended: false,
    secret: 0,
    previousUntil: 0
};
