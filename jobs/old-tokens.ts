import { LATE_AFTER, UNTIL_USED } from '../plugin/store/retry-window';
import { placeholders, type Cleanup } from './cleanup';

/** So many chains are remembered from batch to batch. */
const REMEMBERED = 20_000;

/** The walk ends when so many batches in a row have found almost nothing. */
const PATIENCE = 5;

interface OldToken {
    id: string;
    grant_id: string;
    generation: number;
    created_at: number | string;
    expires_at: number | string;
}

/** What is known of a chain. */
interface Verdict {
    /** `ended`, `expired`: for longer than the retention. `kept`: dead for less. */
    state: 'ended' | 'expired' | 'live' | 'kept';
    /** Its oldest token, by generation: a chain that was not ended loses no other one. */
    oldest: number;
    head: number;
}

/**
 * Removes what has piled up, in the order of time. Tokens that were made together lie together: in a table that is larger
 * than the database's memory this is many times faster than to go from chain to chain. It does only what is safe to do in
 * this order, and ends where most of what is old is still needed; the rest is left to the walk along the chains.
 *
 * @param cutoff epoch milliseconds
 * @returns how many tokens it removed
 */
export async function removeOldTokens(sweep: Cleanup, cutoff: number): Promise<number> {
    const verdicts = new Map<string, Verdict>();
    let at = -1;
    let id = '';
    let fruitless = 0;
    if (sweep.dryRun) {
        // The walk along the chains counts these too.
        return 0;
    }
    return sweep.removeFound('oauth_refresh_tokens', async (size) => {
        const rows = await sweep.database.query<OldToken>(
            `SELECT id, grant_id, generation, created_at, expires_at FROM oauth_refresh_tokens
            WHERE created_at <= ? AND created_at >= ? AND (created_at > ? OR COALESCE(id, '') > ?)
            ORDER BY created_at, id LIMIT ${size}`,
            [cutoff, at, at, id]
        );
        await judge(sweep, cutoff, rows, verdicts);
        const closed = await findClosed(sweep, superseded(rows, verdicts));
        const ids = takeRemovable(rows, verdicts, closed);
        at = Number(rows.at(-1)?.created_at ?? at);
        id = rows.at(-1)?.id ?? id;
        fruitless = ids.length * 10 < rows.length ? fruitless + 1 : 0;
        return { ids, more: rows.length === size && fruitless < PATIENCE };
    });
}

/** Learns of the chains of these tokens what is not known yet, and forgets those that had no token for longest. */
async function judge(
    sweep: Cleanup,
    cutoff: number,
    rows: readonly OldToken[],
    verdicts: Map<string, Verdict>
): Promise<void> {
    const unknown: string[] = [];
    for (const grant of new Set(rows.map((row) => row.grant_id))) {
        const verdict = verdicts.get(grant);
        if (verdict) {
            verdicts.delete(grant);
            verdicts.set(grant, verdict);
        } else {
            unknown.push(grant);
        }
    }
    if (unknown.length === 0) {
        return;
    }
    const end = (order: 'ASC' | 'DESC'): string =>
        `(SELECT x.generation FROM oauth_refresh_tokens x WHERE x.grant_id = g.id ORDER BY x.generation ${order} LIMIT 1)`;
    const chains = await sweep.database.query<{
        id: string;
        ended_at: number | string | null;
        expires_at: number | string;
        head: number;
        oldest: number;
    }>(
        `SELECT g.id, g.ended_at, h.expires_at, h.generation AS head, ${end('ASC')} AS oldest FROM oauth_grants g
        JOIN oauth_refresh_tokens h ON h.grant_id = g.id AND h.generation = ${end('DESC')}
        WHERE g.id IN (${placeholders(unknown)})`,
        unknown
    );
    for (const chain of chains) {
        const endedAt = chain.ended_at === null ? Infinity : Number(chain.ended_at);
        const expiresAt = Number(chain.expires_at);
        let state: Verdict['state'] = endedAt === Infinity && expiresAt > sweep.now ? 'live' : 'kept';
        if (expiresAt <= cutoff) {
            state = 'expired';
        }
        if (endedAt <= cutoff) {
            state = 'ended';
        }
        verdicts.set(chain.id, { state, oldest: Number(chain.oldest), head: Number(chain.head) });
    }
    for (const grant of verdicts.keys()) {
        if (verdicts.size <= REMEMBERED) {
            break;
        }
        verdicts.delete(grant);
    }
}

/** Tokens of chains that live, which may go where no late answer is to be expected any more. */
function superseded(rows: readonly OldToken[], verdicts: ReadonlyMap<string, Verdict>): OldToken[] {
    return rows.filter((row) => {
        const verdict = verdicts.get(row.grant_id);
        return verdict?.state === 'live' && row.generation >= verdict.oldest && row.generation < verdict.head - 1;
    });
}

/**
 * The ids of those tokens that may go now.
 *
 * @param closed those of living chains that these do not need
 */
function takeRemovable(
    rows: readonly OldToken[],
    verdicts: ReadonlyMap<string, Verdict>,
    closed: ReadonlySet<string>
): string[] {
    const ids: string[] = [];
    for (const row of [...rows].sort((one, other) => one.generation - other.generation)) {
        const verdict = verdicts.get(row.grant_id);
        if (verdict?.state === 'ended') {
            ids.push(row.id);
        } else if (
            // A token that is itself still good would pass for the head without its successor.
            row.generation === verdict?.oldest &&
            (verdict.state === 'expired' || (verdict.state === 'live' && closed.has(row.id)))
        ) {
            verdict.oldest += 1;
            ids.push(row.id);
        }
    }
    return ids;
}

/** Those of these tokens whose retry window is closed, and whose successor was used more than a minute ago. */
async function findClosed(sweep: Cleanup, rows: readonly OldToken[]): Promise<Set<string>> {
    if (rows.length === 0) {
        return new Set();
    }
    const closed = await sweep.database.query<{ id: string }>(
        `SELECT t.id FROM oauth_refresh_tokens t
        JOIN oauth_refresh_tokens s ON s.grant_id = t.grant_id AND s.generation = t.generation + 1
        JOIN oauth_refresh_tokens u ON u.grant_id = t.grant_id AND u.generation = t.generation + 2
        WHERE t.id IN (${placeholders(rows)}) AND (s.retry_until <= ? OR s.retry_until = ?) AND u.created_at <= ?`,
        [...rows.map((row) => row.id), sweep.now, UNTIL_USED, sweep.now - LATE_AFTER]
    );
    return new Set(closed.map((row) => row.id));
}
