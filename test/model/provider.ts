/** A refresh token that someone holds. */
export interface Presented {
    family: number;
    generation: number;
    text: string;
    client: number;
}

/** An answer of the token endpoint: an error, or what came with the tokens. */
export type Outcome = { error: string } | { scope: string[]; refresh: { family: number; generation: number } | null };

interface ModelToken {
    createdAt: number;
    expiresAt: number;
    scope: string[];
    late: boolean;
}

interface ModelFamily {
    accountId: string;
    client: number;
    original: string[];
    ended: boolean;
    tokens: ModelToken[];
}

export interface ModelClient {
    /** Undefined for a built-in one. */
    owner?: string;
    isConfidential: boolean;
    inherits: boolean;
    allowed: string[];
    mayRefresh: boolean;
    isDeleted: boolean;
    /** Which secret is the present one, and until when the one before it goes on. */
    secret: number;
    previousUntil: number;
}

/** What a member approved: the code for it is exchanged now, later or never. */
interface Approval {
    kind: 'device' | 'code';
    accountId: string;
    client: number;
    requested: string[];
    approved: string[];
    expiresAt: number;
    isSpent: boolean;
    family: number | null;
    isGone: boolean;
}

interface AccessToken {
    accountId: string;
    client: number;
    scope: string[];
    expiresAt: number;
}

const STANDARD = ['openid', 'profile', 'email', 'offline_access'];
const ALL = 'ADMINISTRATOR';
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const MONTH = 30 * 24 * HOUR;

/** The forum's order of the permissions that this model knows. */
export const ORDER = ['CREATE_POST', 'UPLOAD_ASSET', 'READ_PROFILE', 'USE_OAUTH_CLIENTS', ALL];

/**
 * What the provider does, without a database, a key or a secret: each token family is a list, each token a place in it.
 * Nothing is ever removed but codes after their hour of grace, so a cleanup that can be noticed is a difference.
 */
export class Provider {
    readonly clients: ModelClient[] = [];
    readonly accessTokens: AccessToken[] = [];
    readonly #families: ModelFamily[] = [];
    readonly #approvals: Approval[] = [];
    readonly #accounts = new Map<string, string[]>();

    constructor(
        private readonly window: number | 'until-used',
        private readonly bearer: 'token' | 'current'
    ) {}

    permit(accountId: string, permissions: string[]): void {
        this.#accounts.set(accountId, permissions);
    }

    suspend(accountId: string): void {
        this.#accounts.delete(accountId);
    }

    /** The account's permissions; undefined while it may not act. */
    permissionsOf(accountId: string): string[] | undefined {
        return this.#accounts.get(accountId);
    }

    isKnown(client: number, secret: number | null, now: number): boolean {
        const { isConfidential, isDeleted, secret: present, previousUntil } = this.clients[client]!;
        if (isDeleted) {
            return false;
        }
        const isRight = secret === present || (secret === present - 1 && now < previousUntil);
        return isConfidential ? isRight : secret === null;
    }

    /** What a member's, or with `isAdministrator` an administrator's, change of a client is answered with. */
    mayChange(client: number, accountId: string, isAdministrator: boolean, allowed?: string[]): number {
        const { isDeleted, inherits, owner } = this.clients[client]!;
        if (!isAdministrator && !this.#accounts.has(accountId)) {
            return 401;
        }
        if (isDeleted || (!isAdministrator && (inherits || owner !== accountId))) {
            return 404;
        }
        const held = this.#accounts.get(owner!);
        if (allowed && !held) {
            return 400;
        }
        return allowed?.some((name) => !STANDARD.includes(name) && !has(held!, name)) ? 403 : 200;
    }

    rotateSecret(client: number, overlap: number, now: number): void {
        const changed = this.clients[client]!;
        changed.secret += 1;
        changed.previousUntil = now + overlap * SECOND;
    }

    deleteClient(client: number): void {
        this.clients[client]!.isDeleted = true;
        this.endAll((family) => family.client === client);
        for (const approval of this.#approvals.filter((each) => each.client === client)) {
            approval.isGone = true;
        }
    }

    ownerOf(family: number): string {
        return this.#families[family]!.accountId;
    }

    end(family: number): void {
        this.#families[family]!.ended = true;
    }

    endAll(which: (family: ModelFamily) => boolean): void {
        for (const family of this.#families.filter(which)) {
            family.ended = true;
        }
    }

    /** How many of an account's token families are alive. */
    living(accountId: string, now: number): number {
        const isAlive = ({ ended, tokens }: ModelFamily): boolean => !ended && now < tokens.at(-1)!.expiresAt;
        return this.#families.filter((family) => family.accountId === accountId && isAlive(family)).length;
    }

    /** Whether a refresh token would be honoured as its family's head. */
    isActive({ family: place, generation }: Presented, now: number): boolean {
        const { accountId, client, ended, tokens } = this.#families[place]!;
        const { allowed, mayRefresh, isDeleted } = this.clients[client]!;
        const isHead = generation === tokens.length - 1 && now < tokens[generation]!.expiresAt;
        const isAllowed = mayRefresh && !isDeleted && allowed.includes('offline_access');
        return !ended && isHead && isAllowed && this.#accounts.has(accountId);
    }

    /** A member approves what a client asks for. */
    approve(
        kind: Approval['kind'],
        accountId: string,
        client: number,
        requested: string[],
        now: number
    ): { error: string } | { approval: number } {
        const { allowed, inherits, isDeleted } = this.clients[client]!;
        if (isDeleted) {
            return { error: 'invalid_client' };
        }
        const notAllowed = requested.filter((name) => !has(allowed, name));
        if (kind === 'device' && notAllowed.length > 0) {
            return { error: 'invalid_scope' };
        }
        const held = this.#accounts.get(accountId);
        if (!held) {
            return { error: kind === 'device' ? 'login_required' : 'access_denied' };
        }
        if (!has(held, 'USE_OAUTH_CLIENTS')) {
            return { error: 'access_denied' };
        }
        if (notAllowed.includes('openid') || (requested.length > 0 && notAllowed.length === requested.length)) {
            return { error: 'invalid_scope' };
        }
        const granted = requested.filter((name) => has(allowed, name) && (STANDARD.includes(name) || has(held, name)));
        const approved = isInheriting(inherits, requested)
            ? [...granted, ...ORDER.filter((name) => held.includes(name))]
            : granted;
        const expiresAt = now + 600 * SECOND;
        const state = { isSpent: false, family: null, isGone: false };
        this.#approvals.push({ kind, accountId, client, requested, approved, expiresAt, ...state });
        return { approval: this.#approvals.length - 1 };
    }

    /** A client exchanges the code of an approval. */
    redeem(place: number, client: number, secret: number | null, now: number): Outcome {
        const approval = this.#approvals[place]!;
        if (!this.isKnown(client, secret, now)) {
            return { error: 'invalid_client' };
        }
        if (approval.isGone || approval.client !== client) {
            return { error: 'invalid_grant' };
        }
        if (approval.isSpent) {
            if (approval.kind === 'code' && approval.family !== null) {
                this.end(approval.family);
            }
            return { error: 'invalid_grant' };
        }
        const isDevice = approval.kind === 'device';
        if (now >= approval.expiresAt) {
            return { error: isDevice ? 'expired_token' : 'invalid_grant' };
        }
        const { accountId, requested } = approval;
        const held = this.#accounts.get(accountId);
        if (!held) {
            return { error: isDevice ? 'access_denied' : 'invalid_grant' };
        }
        const { allowed, inherits, mayRefresh } = this.clients[client]!;
        const scope = isInheriting(inherits, requested)
            ? remaining(approval.approved, null, held).filter(
                  (name) => !STANDARD.includes(name) || allowed.includes(name)
              )
            : remaining(approval.approved, allowed, held);
        approval.isSpent = true;
        this.issue(accountId, client, scope, now);
        if (!mayRefresh || !scope.includes('offline_access')) {
            return { scope, refresh: null };
        }
        const token = { createdAt: now, expiresAt: now + MONTH, scope, late: false };
        this.#families.push({ accountId, client, original: scope, ended: false, tokens: [token] });
        approval.family = this.#families.length - 1;
        return { scope, refresh: { family: approval.family, generation: 0 } };
    }

    /** A confidential client acts as its owner. */
    actAsOwner(client: number, secret: number | null, asked: string[], now: number): Outcome {
        const { allowed, inherits, owner } = this.clients[client]!;
        if (!this.isKnown(client, secret, now)) {
            return { error: 'invalid_client' };
        }
        if (asked.some((name) => !has(allowed, name))) {
            return { error: 'invalid_scope' };
        }
        const held = this.#accounts.get(owner!);
        if (!held) {
            return { error: 'unauthorized_client' };
        }
        const own = ORDER.filter((name) => held.includes(name));
        const shared = inherits
            ? own
            : remaining(
                  ORDER.filter((name) => allowed.includes(name)),
                  null,
                  held
              );
        const scope = asked.length === 0 ? shared : asked.filter((name) => !STANDARD.includes(name) && has(held, name));
        this.issue(owner!, client, scope, now);
        return { scope, refresh: null };
    }

    /** A client presents a refresh token. */
    refresh(presented: Presented, client: number, secret: number | null, asked: string[], now: number): Outcome {
        const family = this.#families[presented.family]!;
        const { allowed, inherits, mayRefresh } = this.clients[client]!;
        if (!this.isKnown(client, secret, now)) {
            return { error: 'invalid_client' };
        }
        if (!mayRefresh) {
            return { error: 'unauthorized_client' };
        }
        if (family.client !== client || family.ended) {
            return { error: 'invalid_grant' };
        }
        const verdict = this.#judge(family, presented.generation, now);
        if (verdict === 'reuse') {
            family.ended = true;
        }
        const held = this.#accounts.get(family.accountId);
        if (verdict !== 'fine' || !held || !allowed.includes('offline_access')) {
            return { error: 'invalid_grant' };
        }
        if (asked.some((name) => !has(family.original, name))) {
            return { error: 'invalid_scope' };
        }
        const token = family.tokens[presented.generation]!;
        const successor = family.tokens[presented.generation + 1];
        const left = remaining((successor ?? token).scope, inherits ? null : allowed, held);
        if (successor) {
            successor.scope = left;
            successor.late ||= this.window === 'until-used' && !token.late && now >= successor.createdAt + MINUTE;
        } else {
            family.tokens.push({ createdAt: now, expiresAt: now + MONTH, scope: left, late: false });
        }
        const scope = asked.length === 0 ? left : asked.filter((name) => has(left, name));
        this.issue(family.accountId, client, scope, now);
        return { scope, refresh: { family: presented.family, generation: presented.generation + 1 } };
    }

    #judge({ tokens }: ModelFamily, generation: number, now: number): 'fine' | 'useless' | 'reuse' {
        const presented = tokens[generation]!;
        const successor = tokens[generation + 1];
        const use = tokens[generation + 2];
        if (!successor) {
            return now < presented.expiresAt ? 'fine' : 'useless';
        }
        if (this.window === 'until-used') {
            if (use) {
                return now < use.createdAt + MINUTE ? 'useless' : 'reuse';
            }
            if (presented.late && now >= successor.createdAt + MINUTE) {
                return 'reuse';
            }
        } else if (now >= successor.createdAt + this.window * SECOND) {
            return 'reuse';
        } else if (use) {
            return 'useless';
        }
        return now < successor.expiresAt ? 'fine' : 'useless';
    }

    /** Codes are known for an hour after their time. */
    sweep(now: number): void {
        for (const approval of this.#approvals.filter((each) => each.expiresAt < now - HOUR)) {
            approval.isGone = true;
        }
    }

    private issue(accountId: string, client: number, scope: string[], now: number): void {
        this.accessTokens.push({ accountId, client, scope, expiresAt: now + 900 * SECOND });
    }

    /** What the `oauth` strategy makes of an access token: what it may do, or null for none. */
    worth(place: number, now: number): string[] | null {
        const { accountId, expiresAt, scope } = this.accessTokens[place]!;
        const held = this.#accounts.get(accountId);
        if (now >= expiresAt || (this.bearer === 'current' && !held)) {
            return null;
        }
        const current = this.bearer === 'current' ? remaining(scope, null, held!) : scope;
        return [...STANDARD, ...ORDER].filter((name) => has(current, name));
    }
}

/** Whether permissions come from the account: where none is asked for. */
function isInheriting(inherits: boolean, requested: string[]): boolean {
    return inherits && requested.every((name) => STANDARD.includes(name));
}

/** Whether a set of what someone may do has the name in it. */
function has(may: string[], name: string): boolean {
    return may.includes(name) || (may.includes(ALL) && !STANDARD.includes(name));
}

/** What is left of a scope that the wildcard may stand in: first what is still there, then what it stood for. */
function remaining(scope: string[], allowed: string[] | null, held: string[]): string[] {
    const mayStill = (name: string): boolean =>
        STANDARD.includes(name)
            ? allowed === null || allowed.includes(name)
            : (allowed === null || has(allowed, name)) && has(held, name);
    const kept = scope.filter(mayStill);
    if (!scope.includes(ALL) || kept.includes(ALL)) {
        return kept;
    }
    return [...kept, ...ORDER.filter((name) => mayStill(name) && !kept.includes(name))];
}
