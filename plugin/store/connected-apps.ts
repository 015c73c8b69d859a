import type { ClientSource } from '../../entities';
import { splitNames } from '../scopes/text';
import type { Queries } from './database';
import { IS_LIVE } from './grants';
import { isPastEnd, pageOf, type Page } from './paging';
import { rfc3339 } from './rfc3339';
import { headGeneration } from './generations';

/** Applications on a page. */
const APPLICATIONS = 20;

/** Sessions that are shown of one application; what is older is counted. */
const SESSIONS = 10;

/** One sign-in of an application: a live grant. */
export interface ConnectedSession {
    /** Of its refresh token, by which it is ended. Absent where it has none. */
    tokenId?: string;
    /** True for an approval whose code was not exchanged yet. */
    isPending: boolean;
    since: string;
    /** When it last asked for tokens. Absent: only when it was signed in. */
    lastUsed?: string;
}

/** An application that an account has approved and that can still act for it. */
export interface ConnectedApplication {
    /** The client's `id`. */
    id: string;
    clientId: string;
    name: string;
    source: ClientSource;
    /** The account that owns it. */
    ownerId: string | null;
    since: string;
    lastUsed: string;
    /** What its sessions may do, taken together. */
    scopes: string[];
    sessionCount: number;
    /** Newest first. */
    sessions: ConnectedSession[];
}

/**
 * Live grants of an account with the heads of their token families. Without a refresh token a grant is live until its code
 * expires, and once that was exchanged, until the access token does. Standing grants are no approvals.
 */
const LIVE = `oauth_grants g LEFT JOIN oauth_refresh_tokens t ON t.grant_id = g.id
    AND t.generation = ${headGeneration('g.id')}
    WHERE g.account_id = ? AND ${IS_LIVE}
    AND (t.expires_at > ? OR (t.id IS NULL AND g.expires_at > ?))`;

/** When a session was last used. */
const LAST_USED = 'COALESCE(t.created_at, g.created_at)';

type Time = number | string;

/**
 * One page of the applications that can act for an account, those first that were used last.
 *
 * @param now epoch milliseconds
 */
export async function listConnections(
    queries: Queries,
    { accountId, page }: { accountId: string; page: number },
    now: number
): Promise<Page & { applications: ConnectedApplication[] }> {
    const [{ total } = { total: 0 }] = await queries.query<{ total: Time }>(
        `SELECT COUNT(DISTINCT g.oauth_client_id) AS total FROM ${LIVE}`,
        [accountId, now, now]
    );
    if (isPastEnd(page, Number(total), APPLICATIONS)) {
        return { ...pageOf(page, 0, Number(total), APPLICATIONS), applications: [] };
    }
    const rows = await queries.query<{
        id: string;
        client_id: string;
        name: string;
        source: ClientSource;
        account_id: string | null;
        since: Time;
        last_used: Time;
        sessions: Time;
    }>(
        `SELECT c.id, c.client_id, c.name, c.source, c.account_id, a.since, a.last_used, a.sessions FROM (
            SELECT g.oauth_client_id AS application, MIN(g.created_at) AS since, MAX(${LAST_USED}) AS last_used,
                COUNT(*) AS sessions
            FROM ${LIVE} GROUP BY g.oauth_client_id
            ORDER BY last_used DESC, application LIMIT ${APPLICATIONS} OFFSET ${(page - 1) * APPLICATIONS}) a
        JOIN oauth_clients c ON c.id = a.application ORDER BY a.last_used DESC, c.id`,
        [accountId, now, now]
    );
    const ids = rows.map(({ id }) => id);
    const sessions = await sessionsOf(queries, accountId, ids, now);
    const scopes = await scopesOf(queries, accountId, ids, now);
    const applications = rows.map((row): ConnectedApplication => {
        const shown = sessions.filter(({ application }) => application === row.id);
        return {
            id: row.id,
            clientId: row.client_id,
            name: row.name,
            source: row.source,
            ownerId: row.account_id,
            since: rfc3339(row.since),
            lastUsed: rfc3339(row.last_used),
            scopes: [
                ...new Set(
                    scopes.filter(({ application }) => application === row.id).flatMap(({ scope }) => splitNames(scope))
                )
            ],
            sessionCount: Number(row.sessions),
            sessions: shown.map((session) => ({
                ...(session.token_id !== null && { tokenId: session.token_id }),
                isPending: session.exchanged_at === null,
                since: rfc3339(session.since),
                ...(Number(session.generation) > 0 && { lastUsed: rfc3339(session.last_used) })
            }))
        };
    });
    return { ...pageOf(page, rows.length, Number(total), APPLICATIONS), applications };
}

interface SessionRow {
    application: string;
    token_id: string | null;
    generation: number;
    exchanged_at: Time | null;
    since: Time;
    last_used: Time;
}

async function sessionsOf(
    queries: Queries,
    accountId: string,
    applications: string[],
    now: number
): Promise<SessionRow[]> {
    if (applications.length === 0) {
        return [];
    }
    return queries.query<SessionRow>(
        `SELECT s.* FROM (
            SELECT g.oauth_client_id AS application, t.id AS token_id, COALESCE(t.generation, 0) AS generation,
                g.exchanged_at, g.created_at AS since, ${LAST_USED} AS last_used,
                ROW_NUMBER() OVER (PARTITION BY g.oauth_client_id ORDER BY ${LAST_USED} DESC, g.id DESC) AS place
            FROM ${LIVE} AND g.oauth_client_id IN (${applications.map(() => '?').join(', ')})) s
        WHERE s.place <= ${SESSIONS} ORDER BY s.application, s.place`,
        [accountId, now, now, ...applications]
    );
}

/** The scopes of all sessions, not only of those that are shown: an old one may do more than the new ones. */
async function scopesOf(
    queries: Queries,
    accountId: string,
    applications: string[],
    now: number
): Promise<{ application: string; scope: string }[]> {
    if (applications.length === 0) {
        return [];
    }
    return queries.query<{ application: string; scope: string }>(
        `SELECT DISTINCT g.oauth_client_id AS application, COALESCE(t.scope, g.scope) AS scope
        FROM ${LIVE} AND g.oauth_client_id IN (${applications.map(() => '?').join(', ')})
        ORDER BY application, scope`,
        [accountId, now, now, ...applications]
    );
}
