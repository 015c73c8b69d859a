/** A refresh token that somebody holds. */
export interface Presented {
    chain: number;
    generation: number;
    text: string;
    clientId: string;
}

interface ModelToken {
    createdAt: number;
    expiresAt: number;
    scope: string[];
    late: boolean;
}

interface ModelChain {
    accountId: string;
    clientId: string;
    original: string[];
    ended: boolean;
    tokens: ModelToken[];
}

const STANDARD = ['openid', 'profile', 'email', 'offline_access'];
const ALL = 'ADMINISTRATOR';
const MINUTE = 60_000;
const MONTH = 2_592_000_000;

/** The forum's order of the permissions that this model knows. */
const ORDER = ['CREATE_POST', 'UPLOAD_ASSET', 'READ_PROFILE', 'USE_OAUTH_CLIENTS', ALL];

/**
 * What refresh chains do, without a database, a clock or a secret: each chain is a list, each token a place in it.
 * Nothing is ever removed, so a sweep that can be noticed is a difference.
 */
export class Chains {
    private readonly chains: ModelChain[] = [];
    private readonly accounts = new Map<string, string[]>();
    private readonly clients = new Map<string, { allowed: string[]; inherits: boolean }>();

    constructor(private readonly window: number | 'until-used') {}

    permit(accountId: string, permissions: string[]): void {
        this.accounts.set(accountId, permissions);
    }

    suspend(accountId: string): void {
        this.accounts.delete(accountId);
    }

    allow(clientId: string, allowed: string[]): void {
        this.clients.set(clientId, { allowed, inherits: false });
    }

    inherit(clientId: string, allowed: string[]): void {
        this.clients.set(clientId, { allowed, inherits: true });
    }

    ownerOf(chain: number): string | undefined {
        return this.chains[chain]?.accountId;
    }

    end(chain: number): void {
        this.chains[chain]!.ended = true;
    }

    /** Whether a device may ask for these scopes at all. */
    mayAsk(clientId: string, scopes: string[]): boolean {
        return scopes.every((name) => has(this.clients.get(clientId)!.allowed, name));
    }

    /** A sign-in at once approved and exchanged. */
    begin(
        accountId: string,
        clientId: string,
        requested: string[],
        now: number
    ): { scope: string[]; chain: number | null } {
        const { inherits } = this.clients.get(clientId)!;
        const held = this.accounts.get(accountId)!;
        const scope = inherits
            ? [...requested, ...ORDER.filter((name) => held.includes(name))]
            : requested.filter((name) => STANDARD.includes(name) || has(held, name));
        if (!scope.includes('offline_access')) {
            return { scope, chain: null };
        }
        const token = { createdAt: now, expiresAt: now + MONTH, scope, late: false };
        this.chains.push({ accountId, clientId, original: scope, ended: false, tokens: [token] });
        return { scope, chain: this.chains.length - 1 };
    }

    refresh(
        { chain: place, generation }: Presented,
        clientId: string,
        asked: string[],
        now: number
    ): { error: string } | { generation: number; scope: string[] } {
        const chain = this.chains[place]!;
        if (chain.clientId !== clientId || chain.ended) {
            return { error: 'invalid_grant' };
        }
        const presented = chain.tokens[generation]!;
        const successor = chain.tokens[generation + 1];
        const use = chain.tokens[generation + 2];
        const verdict = successor
            ? this.judgeAgain(presented, successor, use, now)
            : now < presented.expiresAt
              ? 'fine'
              : 'useless';
        if (verdict === 'reuse') {
            chain.ended = true;
        }
        if (verdict !== 'fine') {
            return { error: 'invalid_grant' };
        }
        const { allowed, inherits } = this.clients.get(clientId)!;
        const held = this.accounts.get(chain.accountId);
        if (!held || !allowed.includes('offline_access')) {
            return { error: 'invalid_grant' };
        }
        if (asked.some((name) => !has(chain.original, name))) {
            return { error: 'invalid_scope' };
        }
        const left = remaining((successor ?? presented).scope, inherits ? null : allowed, held);
        if (successor) {
            successor.scope = left;
            successor.late ||= this.window === 'until-used' && !presented.late && now >= successor.createdAt + MINUTE;
        } else {
            chain.tokens.push({ createdAt: now, expiresAt: now + MONTH, scope: left, late: false });
        }
        return {
            generation: generation + 1,
            scope: asked.length === 0 ? left : asked.filter((name) => has(left, name))
        };
    }

    /** A token that has been rotated away comes again. */
    private judgeAgain(
        presented: ModelToken,
        successor: ModelToken,
        use: ModelToken | undefined,
        now: number
    ): 'fine' | 'useless' | 'reuse' {
        if (this.window === 'until-used') {
            if (use) {
                return now < use.createdAt + MINUTE ? 'useless' : 'reuse';
            }
            if (presented.late && now >= successor.createdAt + MINUTE) {
                return 'reuse';
            }
        } else if (now >= successor.createdAt + this.window * 1000) {
            return 'reuse';
        } else if (use) {
            return 'useless';
        }
        return now < successor.expiresAt ? 'fine' : 'useless';
    }
}

/** Whether a set of what somebody may do has the name in it. */
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
