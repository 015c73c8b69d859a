import type { DataSource } from 'typeorm';
import { LATE_AFTER, UNTIL_USED } from '../plugin/store/retry-window';
import { eraseSuccessors } from './erase-successors';
import { removeOldTokens } from './old-tokens';
import { nextIds, placeholders, requireRetention, Cleanup, type Pace, type SweepOptions } from './cleanup';

/** How long what is dead is kept by default, seconds: seven days. */
export const RETENTION = 7 * 24 * 60 * 60;

/** Superseded tokens that a live chain keeps beyond its head and the head's predecessor. */
const KEPT = 100;

/** What a run of `prune-refresh-chains` removed. */
export interface PrunedCounts {
    refresh_tokens: number;
    grants: number;
    clients: number;
    /** Sealed successors that can no longer be handed out. */
    seals: number;
}

/**
 * Removes refresh chains that have been dead for longer than `retention`, what live chains have superseded and do not
 * need, and the seals of successors that can no longer be handed out. A live chain keeps its head, the head's
 * predecessor, tokens whose retry window is open, and at most a hundred more that are no older than `retention`.
 *
 * A chain that was not ended always loses its oldest tokens first: one whose successor is gone would pass for the chain's head.
 *
 * @param retention seconds
 */
export async function pruneRefreshChains(
    dataSource: DataSource,
    { retention = RETENTION, ...options }: SweepOptions & { retention?: number } = {}
): Promise<PrunedCounts> {
    requireRetention(retention);
    const sweep = new Cleanup(dataSource, options);
    const cutoff = sweep.now - retention * 1000;
    const seals = await eraseSuccessors(sweep);
    const old = await removeOldTokens(sweep, cutoff);
    const { refresh_tokens: tokens, grants } = await removeFromChains(sweep, cutoff);
    const clients = await removeDeletedClients(sweep, cutoff);
    return { refresh_tokens: old + tokens, grants, clients, seals };
}

/** A chain that has something to lose. */
interface Chain {
    id: string;
    /** Generations; null in a grant that has no tokens. */
    oldest: number | null;
    head: number | null;
    dead: number;
}

/** Walks the grants in the order of their ids. What has nothing to lose costs a few look-ups in indexes. */
async function removeFromChains(sweep: Cleanup, cutoff: number): Promise<{ refresh_tokens: number; grants: number }> {
    const walking = sweep.pace();
    const deleting = sweep.pace();
    const removed = { refresh_tokens: 0, grants: 0 };
    let after = '';
    while (!sweep.isStopped) {
        const { chains, last } = await sweep.batch(walking, (size) => findChains(sweep, cutoff, after, size));
        const dead = chains.filter((chain) => Number(chain.dead) === 1);
        removed.refresh_tokens += await removeDeadTokens(sweep, deleting, dead);
        removed.grants += await removeGrants(sweep, deleting, dead);
        const live = chains.filter((chain) => Number(chain.dead) === 0);
        removed.refresh_tokens += await removeSuperseded(sweep, deleting, live, cutoff);
        if (last === undefined) {
            break;
        }
        after = last;
    }
    return removed;
}

/** One step from either end of the chain's index; MIN() and MAX() would read all of the chain. */
const end = (order: 'ASC' | 'DESC'): string =>
    `(SELECT x.generation FROM oauth_refresh_tokens x WHERE x.grant_id = g.id ORDER BY x.generation ${order} LIMIT 1)`;

/** A grant's tokens go before the grant does; a run that was stopped in between leaves one without. */
const DEAD = '(g.ended_at <= ? OR h.expires_at <= ? OR (h.id IS NULL AND g.created_at <= ?))';

async function findChains(
    sweep: Cleanup,
    cutoff: number,
    after: string,
    size: number
): Promise<{ chains: Chain[]; last: string | undefined; removed: 0 }> {
    const last = await nextIds(sweep, { table: 'oauth_grants', after, size });
    if (last === undefined) {
        return { chains: [], last, removed: 0 };
    }
    const chains = await sweep.database.query<Chain>(
        `SELECT g.id, o.generation AS oldest, h.generation AS head, CASE WHEN ${DEAD} THEN 1 ELSE 0 END AS dead
        FROM oauth_grants g
        LEFT JOIN oauth_refresh_tokens h ON h.grant_id = g.id AND h.generation = ${end('DESC')}
        LEFT JOIN oauth_refresh_tokens o ON o.grant_id = g.id AND o.generation = ${end('ASC')}
        WHERE g.id > ? AND g.id <= ? AND (${DEAD} OR (g.ended_at IS NULL AND h.expires_at > ?
            AND h.generation - o.generation > 1 AND (o.created_at <= ? OR h.generation - o.generation > ${KEPT + 1})))
        ORDER BY g.id`,
        [cutoff, cutoff, cutoff, after, last, cutoff, cutoff, cutoff, sweep.now, cutoff]
    );
    return { chains, last, removed: 0 };
}

/** The tokens of a chain that are still to be looked at, by their generations. */
interface Span {
    id: string;
    from: number;
    head: number;
}

const spanOf = ({ id, oldest, head }: Chain): Span => ({ id, from: Number(oldest), head: Number(head) });

interface Token {
    id: string;
    grant_id: string;
    generation: number;
    created_at: number | string;
    retry_until: number | string;
}

/** What the index of the chains knows by itself. */
const PLACE = ['id', 'grant_id', 'generation'] as const;

/** The first tokens of these chains, of the first one from where it has been looked at. */
function findTokens<Column extends keyof Token>(
    sweep: Cleanup,
    chains: readonly Span[],
    limit: number,
    columns: readonly Column[]
): Promise<Pick<Token, Column>[]> {
    const [first, ...others] = chains as [Span, ...Span[]];
    // A list of one, MariaDB reads to the end of the chain and sorts.
    const where =
        others.length === 0
            ? 'grant_id = ? AND generation >= ?'
            : `grant_id IN (${placeholders(others)}, ?) AND (grant_id <> ? OR generation >= ?)`;
    const ids = others.length === 0 ? [] : [...others.map((chain) => chain.id), first.id];
    return sweep.database.query<Pick<Token, Column>>(
        `SELECT ${columns.join(', ')} FROM oauth_refresh_tokens
        WHERE ${where} ORDER BY ${others.length === 0 ? '' : 'grant_id, '}generation LIMIT ${limit}`,
        [...ids, first.id, first.from]
    );
}

/** Removes all tokens of chains, those of many short ones at once. */
function removeDeadTokens(sweep: Cleanup, pace: Pace, chains: readonly Chain[]): Promise<number> {
    const left = chains.filter((chain) => chain.head !== null).map(spanOf);
    return sweep.run(async (size) => {
        const taken = takeChains(left, size);
        if (taken.length === 0) {
            return { removed: 0, more: false };
        }
        const tokens = await findTokens(sweep, taken, size, PLACE);
        const removed = await sweep.delete(
            'oauth_refresh_tokens',
            tokens.map((token) => token.id)
        );
        const last = tokens.length === size ? tokens.at(-1)! : undefined;
        const cut = taken.findIndex((chain) => chain.id === last?.grant_id);
        left.splice(0, cut === -1 ? taken.length : cut);
        if (last && cut !== -1) {
            left[0]!.from = Number(last.generation) + 1;
        }
        return { removed, more: left.length > 0 };
    }, pace);
}

/** Removes grants whose tokens are gone. */
async function removeGrants(sweep: Cleanup, pace: Pace, chains: readonly Chain[]): Promise<number> {
    if (chains.length === 0 || sweep.isStopped) {
        return 0;
    }
    const ids = chains.map((chain) => chain.id);
    const { removed } = await sweep.batch(pace, async () => {
        const bare = await sweep.database.query<{ id: string }>(
            `SELECT id FROM oauth_grants g WHERE id IN (${placeholders(ids)})
            AND NOT EXISTS (SELECT 1 FROM oauth_refresh_tokens t WHERE t.grant_id = g.id)`,
            ids
        );
        const gone = sweep.dryRun ? ids : bare.map((row) => row.id);
        return { removed: await sweep.delete('oauth_grants', gone) };
    });
    return removed;
}

/** Removes the oldest tokens of live chains, as far as these do not need them. */
function removeSuperseded(sweep: Cleanup, pace: Pace, chains: readonly Chain[], cutoff: number): Promise<number> {
    const left = chains.map(spanOf);
    return sweep.run(async (size) => {
        const taken = takeChains(left, size);
        if (taken.length === 0) {
            return { removed: 0, more: false };
        }
        // Whether a token is needed is told by the two after it.
        const limit = size + 2;
        const tokens = await findTokens(sweep, taken, limit, [...PLACE, 'created_at', 'retry_until']);
        const cut = tokens.length === limit ? tokens.at(-1)!.grant_id : undefined;
        const byChain = new Map<string, Token[]>(taken.map((chain) => [chain.id, []]));
        for (const token of tokens) {
            byChain.get(token.grant_id)!.push(token);
        }
        const ids: string[] = [];
        let finished = 0;
        let begun = 0;
        for (const chain of taken) {
            const own = byChain.get(chain.id)!;
            const unneeded = own.slice(0, countUnneeded(own, chain.head, cutoff, sweep.now));
            ids.push(...unneeded.map((token) => token.id));
            if (chain.id === cut && (unneeded.length === own.length - 2 || own.length < 3)) {
                // There are more of its tokens than fitted in.
                begun = unneeded.length;
                break;
            }
            finished += 1;
            if (chain.id === cut) {
                break;
            }
        }
        const removed = await sweep.delete('oauth_refresh_tokens', ids);
        // Only now: a batch that has failed is run again as it was.
        left.splice(0, finished);
        if (begun > 0) {
            left[0]!.from += begun;
        }
        return { removed, more: left.length > 0 };
    }, pace);
}

/** The first chains that have at least so many tokens: a longer list of them costs more than it finds. */
function takeChains(chains: readonly Span[], size: number): Span[] {
    const taken: Span[] = [];
    for (let tokens = 0; taken.length < chains.length && tokens <= size;) {
        const chain = chains[taken.length]!;
        tokens += chain.head - chain.from + 1;
        taken.push(chain);
    }
    return taken;
}

/** How many of a chain's tokens, oldest first, it does not need. The last two cannot be told yet. */
function countUnneeded(tokens: readonly Token[], head: number, cutoff: number, now: number): number {
    const isNeeded = (token: Token, index: number): boolean => {
        const isYoung = token.generation >= head - 1 - KEPT && Number(token.created_at) > cutoff;
        return isYoung || isOpen(tokens[index + 1]!, tokens[index + 2]!, now);
    };
    const decided = tokens.slice(0, -2);
    const needed = decided.findIndex(isNeeded);
    return needed === -1 ? decided.length : needed;
}

/**
 * True while a token's retry window is open, or its successor was used so recently that presenting it is no reuse.
 *
 * @param successor keeps the window of the token before it
 * @param use was made by the successor's first use
 */
function isOpen(successor: Token, use: Token, now: number): boolean {
    const until = Number(successor.retry_until);
    return (until > now && until < UNTIL_USED) || Number(use.created_at) + LATE_AFTER > now;
}

/** What names a client besides grants. It goes with the client, or soon after. */
const REFERENCES = [
    'oauth_grants',
    'oauth_device_authorizations',
    'oauth_authorization_requests',
    'oauth_authorization_codes'
];

/** A deleted client's row goes when nothing names it any more. */
function removeDeletedClients(sweep: Cleanup, cutoff: number): Promise<number> {
    let after = '';
    return sweep.run(async (size) => {
        const last = await nextIds(sweep, { table: 'oauth_clients', after, size });
        if (last === undefined) {
            return { removed: 0, more: false };
        }
        const rows = await sweep.database.query<{ id: string }>(
            `SELECT id FROM oauth_clients c WHERE id > ? AND id <= ? AND deleted_at <= ? ${REFERENCES.map(
                (table) => `AND NOT EXISTS (SELECT 1 FROM ${table} r WHERE r.oauth_client_id = c.id)`
            ).join(' ')}`,
            [after, last, cutoff]
        );
        after = last;
        const removed = await sweep.delete(
            'oauth_clients',
            rows.map((row) => row.id)
        );
        return { removed, more: true };
    });
}
