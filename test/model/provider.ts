/** A refresh token that someone holds. */
export interface Presented {
    family: number;
    generation: number;
    /** Which token of its generation it is: a database that lost one makes another. FORGED for one that nobody issued. */
    serial: number;
    text: string;
    client: number;
}

/** A token that was not issued: without the proof of its family, or made by someone who has read the database. */
export const FORGED = { withoutProof: -1, withProof: -2 } as const;

/** An answer of the token endpoint: an error, or what came with the tokens. */
export type Outcome =
    { error: string } | { scope: string[]; refresh: { family: number; generation: number; serial: number } | null };

interface ModelToken {
    serial: number;
    createdAt: number;
    expiresAt: number;
    scope: string[];
    late: boolean;
}

/** What an account gave a client, from the approval on. */
interface ModelGrant {
    accountId: string;
    client: number;
    createdAt: number;
    /** Until when it is of use without a refresh token; null for a standing grant. */
    expiresAt: number | null;
    isExchanged: boolean;
    isEnded: boolean;
    /** Removed by a cleanup, long after it was of use. */
    isPruned: boolean;
    /** Its refresh tokens. */
    tokens: ModelToken[];
}

interface ModelFamily {
    grant: ModelGrant;
    original: string[];
}

export interface ModelClient {
    /** Undefined for a built-in one. */
    owner?: string;
    isConfidential: boolean;
    inherits: boolean;
    allowed: string[];
    mayRefresh: boolean;
    isDeleted: boolean;
    isSuspended: boolean;
    /** Which secret is the present one, and until when the one before it goes on. */
    secret: number;
    previousUntil: number;
}

/** What a member approved: the code for it is exchanged now, later or never. */
interface Approval {
    kind: 'device' | 'code';
    grant: ModelGrant;
    requested: string[];
    approved: string[];
    expiresAt: number;
    isGone: boolean;
}

interface AccessToken {
    grant: ModelGrant;
    scope: string[];
    expiresAt: number;
}

const STANDARD = ['openid', 'profile', 'email', 'offline_access'];
const ALL = 'ADMINISTRATOR';
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const WEEK = 7 * 24 * HOUR;
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
    /** In the order in which they were made. */
    readonly #grants: ModelGrant[] = [];
    readonly #families: ModelFamily[] = [];
    readonly #approvals: Approval[] = [];
    readonly #accounts = new Map<string, string[]>();
    /** How many grants ended because a refresh token was used again. */
    reuses = 0;
    #serial = 0;

    constructor(
        private readonly window: number | 'until-used',
        private readonly bearer: 'token' | 'current',
        /** How many grants of an account to a client there can be. */
        private readonly mostGrants: number
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

    /** Whether a client may act: neither it nor its owner is suspended. */
    isActiveClient(client: number): boolean {
        const { isSuspended, owner } = this.clients[client]!;
        return !isSuspended && (owner === undefined || this.#accounts.has(owner));
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
        this.endAll((grant) => grant.client === client);
        for (const approval of this.#approvals.filter(({ grant }) => grant.client === client)) {
            approval.isGone = true;
        }
    }

    ownerOf(family: number): string {
        return this.#families[family]!.grant.accountId;
    }

    end(family: number): void {
        this.#families[family]!.grant.isEnded = true;
    }

    /** Ends grants, approvals that are not exchanged included. */
    endAll(which: (grant: ModelGrant) => boolean): void {
        for (const grant of this.#grants.filter(which)) {
            grant.isEnded = true;
        }
    }

    /** Ends the grant of an access token, at its own client while the token is valid. */
    endByAccessToken(place: number, client: number, now: number): void {
        const { expiresAt, grant } = this.accessTokens[place]!;
        if (now < expiresAt && grant.client === client) {
            grant.isEnded = true;
        }
    }

    /** How many of an account's token families are alive. */
    living(accountId: string, now: number): number {
        const isAlive = ({ isEnded, tokens }: ModelGrant): boolean =>
            !isEnded && tokens.length > 0 && now < tokens.at(-1)!.expiresAt;
        return this.#grants.filter((grant) => grant.accountId === accountId && isAlive(grant)).length;
    }

    #addGrant(accountId: string, client: number, now: number, expiresAt: number | null): ModelGrant {
        const state = { isExchanged: expiresAt === null, isEnded: false, isPruned: false, tokens: [] };
        const grant = { accountId, client, createdAt: now, expiresAt, ...state };
        this.#grants.push(grant);
        return grant;
    }

    /** What an account has given a client too often: what was used longest ago ends. */
    #endOverCap(accountId: string, client: number): void {
        const live = this.#grants.filter(
            (grant) => grant.accountId === accountId && grant.client === client && !grant.isEnded && !grant.isPruned
        );
        const usedAt = ({ createdAt, tokens }: ModelGrant): number => tokens.at(-1)?.createdAt ?? createdAt;
        live.sort((one, other) => usedAt(one) - usedAt(other));
        for (const grant of live.slice(0, Math.max(0, live.length - this.mostGrants))) {
            grant.isEnded = true;
        }
    }

    /** Whether a refresh token would be honoured as its family's head. */
    isActive({ family: place, generation, serial }: Presented, now: number): boolean {
        const { accountId, client, isEnded, tokens } = this.#families[place]!.grant;
        const { allowed, mayRefresh, isDeleted } = this.clients[client]!;
        const head = tokens[generation];
        const isHead = generation === tokens.length - 1 && head?.serial === serial && now < head.expiresAt;
        const isAllowed = mayRefresh && !isDeleted && this.isActiveClient(client) && allowed.includes('offline_access');
        return !isEnded && isHead && isAllowed && this.#accounts.has(accountId);
    }

    /** A member is shown what a client asks for: an error, or what is shown. */
    ask(
        kind: Approval['kind'],
        accountId: string,
        client: number,
        requested: string[]
    ): { error: string } | { shown: string[] } {
        const { allowed, inherits, isDeleted, isSuspended } = this.clients[client]!;
        if (isDeleted) {
            return { error: 'invalid_client' };
        }
        if (isSuspended || (kind === 'device' && !this.isActiveClient(client))) {
            return { error: 'unauthorized_client' };
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
        if (!this.isActiveClient(client)) {
            return { error: 'unauthorized_client' };
        }
        if (notAllowed.includes('openid') || (requested.length > 0 && notAllowed.length === requested.length)) {
            return { error: 'invalid_scope' };
        }
        const granted = requested.filter((name) => has(allowed, name) && (STANDARD.includes(name) || has(held, name)));
        return {
            shown: isInheriting(inherits, requested)
                ? [...granted, ...ORDER.filter((name) => held.includes(name))]
                : granted
        };
    }

    /** The member approves what was shown, or what is left of it. */
    approve(
        kind: Approval['kind'],
        {
            accountId,
            client,
            requested,
            shown
        }: { accountId: string; client: number; requested: string[]; shown: string[] },
        now: number
    ): void {
        const approved = this.#left(client, requested, shown, this.#accounts.get(accountId)!);
        const expiresAt = now + 600 * SECOND;
        const grant = this.#addGrant(accountId, client, now, expiresAt);
        this.#approvals.push({ kind, grant, requested, approved, expiresAt, isGone: false });
        this.#endOverCap(accountId, client);
    }

    /** What is left of what was shown or approved. */
    #left(client: number, requested: string[], earlier: string[], held: string[]): string[] {
        const { allowed, inherits } = this.clients[client]!;
        return isInheriting(inherits, requested)
            ? remaining(earlier, null, held).filter((name) => !STANDARD.includes(name) || allowed.includes(name))
            : remaining(earlier, allowed, held);
    }

    /** A client exchanges the code of an approval. */
    redeem(place: number, client: number, secret: number | null, now: number): Outcome {
        const approval = this.#approvals[place]!;
        if (!this.isKnown(client, secret, now)) {
            return { error: 'invalid_client' };
        }
        if (this.clients[client]!.isSuspended) {
            return { error: 'unauthorized_client' };
        }
        const { grant } = approval;
        if (approval.isGone || grant.client !== client) {
            return { error: 'invalid_grant' };
        }
        const isDevice = approval.kind === 'device';
        if (grant.isExchanged && !isDevice) {
            grant.isEnded = true;
        }
        if (grant.isExchanged || grant.isEnded) {
            return { error: 'invalid_grant' };
        }
        if (now >= approval.expiresAt) {
            return { error: isDevice ? 'expired_token' : 'invalid_grant' };
        }
        const held = this.#accounts.get(grant.accountId);
        if (!held) {
            return { error: isDevice ? 'access_denied' : 'invalid_grant' };
        }
        if (!this.isActiveClient(client)) {
            return { error: 'unauthorized_client' };
        }
        const { mayRefresh } = this.clients[client]!;
        const scope = this.#left(client, approval.requested, approval.approved, held);
        grant.isExchanged = true;
        grant.expiresAt = now + 900 * SECOND;
        this.issue(grant, scope, now);
        if (!mayRefresh || !scope.includes('offline_access')) {
            return { scope, refresh: null };
        }
        const serial = this.#addToken(grant, scope, now);
        // A request for a scope of the first approval is no error, even where the exchange lost it.
        this.#families.push({ grant, original: approval.approved });
        return { scope, refresh: { family: this.#families.length - 1, generation: 0, serial } };
    }

    /** A confidential client acts as its owner. */
    actAsOwner(client: number, secret: number | null, asked: string[], now: number): Outcome {
        const { allowed, inherits, owner } = this.clients[client]!;
        if (!this.isKnown(client, secret, now)) {
            return { error: 'invalid_client' };
        }
        if (this.clients[client]!.isSuspended) {
            return { error: 'unauthorized_client' };
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
        const isStanding = (grant: ModelGrant): boolean =>
            grant.client === client && grant.expiresAt === null && !grant.isEnded;
        this.issue(this.#grants.find(isStanding) ?? this.#addGrant(owner!, client, now, null), scope, now);
        return { scope, refresh: null };
    }

    /** A client presents a refresh token. */
    refresh(presented: Presented, client: number, secret: number | null, asked: string[], now: number): Outcome {
        const { grant, original } = this.#families[presented.family]!;
        const { allowed, inherits, mayRefresh } = this.clients[client]!;
        if (!this.isKnown(client, secret, now)) {
            return { error: 'invalid_client' };
        }
        if (!mayRefresh || this.clients[client]!.isSuspended) {
            return { error: 'unauthorized_client' };
        }
        if (grant.client !== client || grant.isEnded || grant.isPruned) {
            return { error: 'invalid_grant' };
        }
        const verdict = this.#judge(grant, presented, now);
        if (verdict === 'reuse') {
            grant.isEnded = true;
            this.reuses += 1;
        }
        const held = this.#accounts.get(grant.accountId);
        if (verdict !== 'fine' || !held || !allowed.includes('offline_access')) {
            return { error: 'invalid_grant' };
        }
        if (!this.isActiveClient(client)) {
            return { error: 'unauthorized_client' };
        }
        if (asked.some((name) => !has(original, name))) {
            return { error: 'invalid_scope' };
        }
        const token = grant.tokens[presented.generation]!;
        const successor = grant.tokens[presented.generation + 1];
        const left = remaining((successor ?? token).scope, inherits ? null : allowed, held);
        if (successor) {
            successor.scope = left;
            successor.late ||= this.window === 'until-used' && !token.late && now >= successor.createdAt + MINUTE;
        } else {
            this.#addToken(grant, left, now);
        }
        const scope = asked.length === 0 ? left : asked.filter((name) => has(left, name));
        this.issue(grant, scope, now);
        const generation = presented.generation + 1;
        return { scope, refresh: { family: presented.family, generation, serial: grant.tokens[generation]!.serial } };
    }

    #addToken(grant: ModelGrant, scope: string[], now: number): number {
        this.#serial += 1;
        grant.tokens.push({ serial: this.#serial, createdAt: now, expiresAt: now + MONTH, scope, late: false });
        return this.#serial;
    }

    /** The database loses the newest tokens of a family. Returns the serial of the head that is left. */
    lose(family: number, count: number): number {
        const { tokens } = this.#families[family]!.grant;
        tokens.splice(-count);
        return tokens.at(-1)!.serial;
    }

    #judge({ tokens }: ModelGrant, { generation, serial }: Presented, now: number): 'fine' | 'useless' | 'reuse' {
        const presented = tokens[generation];
        if (serial === FORGED.withoutProof || !presented) {
            return 'useless';
        }
        if (serial !== presented.serial) {
            return 'reuse';
        }
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

    /** Codes are known for an hour after their time, grants for a week after they were of use. */
    sweep(now: number): void {
        for (const grant of this.#grants) {
            const until = grant.tokens.at(-1)?.expiresAt ?? grant.expiresAt;
            grant.isPruned ||= until !== null && until <= now - WEEK;
        }
        for (const approval of this.#approvals.filter((each) => each.expiresAt < now - HOUR)) {
            approval.isGone = true;
        }
    }

    private issue(grant: ModelGrant, scope: string[], now: number): void {
        this.accessTokens.push({ grant, scope, expiresAt: now + 900 * SECOND });
    }

    /** Whether userinfo knows an access token: it reads grant, client and account each time. */
    isInForce(place: number, now: number): boolean {
        const { expiresAt, grant } = this.accessTokens[place]!;
        const { accountId, client, isEnded } = grant;
        const isStopped = this.clients[client]!.isDeleted || !this.isActiveClient(client);
        return now < expiresAt && !isEnded && !isStopped && this.#accounts.has(accountId);
    }

    /** What the `oauth` strategy makes of an access token: what it may do, or null for none. */
    worth(place: number, now: number): string[] | null {
        const { expiresAt, grant, scope } = this.accessTokens[place]!;
        const held = this.#accounts.get(grant.accountId);
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
