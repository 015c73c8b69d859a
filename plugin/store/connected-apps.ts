import { splitNames } from '../scopes/text';
import type { Queries } from './database';
import { IS_LIVE } from './grants';
import { pageOf, type Page } from './paging';
import { rfc3339 } from './rfc3339';
import { headGeneration } from './token-family';

/** Applications on a page. */
const APPLICATIONS = 20;

/** Sessions that are shown of one application; what is older is counted. */
const SESSIONS = 10;

/** One sign-in of an application: a grant that lives. */
export interface ConnectedSession {
    /** Of its refresh token, by which it is ended. */
    tokenId: string;
    since: string;
    /** When it last asked for tokens. Absent: only when it was signed in. */
    lastUsed?: string;
}

/** An application that an account has authorised and that can still act for it. */
export interface ConnectedApplication {
    /** The client's `id`. */
    id: string;
    clientId: string;
    name: string;
    since: string;
    lastUsed: string;
    /** What its sessions may do, taken together. */
    scopes: string[];
    sessionCount: number;
    /** Newest first. */
    sessions: ConnectedSession[];
}

/** Live grants of an account with the heads of their token families. */
const LIVE = `oauth_grants g JOIN oauth_refresh_tokens t ON t.grant_id = g.id
    AND t.generation = ${headGeneration('g.id')}
    WHERE g.account_id = ? AND ${IS_LIVE} AND t.expires_at > ?`;

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
        [accountId, now]
    );
    const rows = await queries.query<{
        id: string;
        client_id: string;
        name: string;
        since: Time;
        last_used: Time;
        sessions: Time;
    }>(
        `SELECT c.id, c.client_id, c.name, a.since, a.last_used, a.sessions FROM (
            SELECT g.oauth_client_id AS application, MIN(g.created_at) AS since, MAX(t.created_at) AS last_used,
                COUNT(*) AS sessions
            FROM ${LIVE} GROUP BY g.oauth_client_id
            ORDER BY last_used DESC, application LIMIT ${APPLICATIONS} OFFSET ${(page - 1) * APPLICATIONS}) a
        JOIN oauth_clients c ON c.id = a.application ORDER BY a.last_used DESC, c.id`,
        [accountId, now]
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
            since: rfc3339(row.since),
            lastUsed: rfc3339(row.last_used),
            scopes: [
                ...new Set(
                    scopes.filter(({ application }) => application === row.id).flatMap(({ scope }) => splitNames(scope))
                )
            ],
            sessionCount: Number(row.sessions),
            sessions: shown.map((session) => ({
                tokenId: session.token_id,
                since: rfc3339(session.since),
                ...(Number(session.generation) > 0 && { lastUsed: rfc3339(session.last_used) })
            }))
        };
    });
    return { ...pageOf(page, rows.length, Number(total), APPLICATIONS), applications };
}

interface SessionRow {
    application: string;
    token_id: string;
    generation: number;
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
            SELECT g.oauth_client_id AS application, t.id AS token_id, t.generation, g.created_at AS since,
                t.created_at AS last_used,
                ROW_NUMBER() OVER (PARTITION BY g.oauth_client_id ORDER BY t.created_at DESC, t.id DESC) AS place
            FROM ${LIVE} AND g.oauth_client_id IN (${applications.map(() => '?').join(', ')})) s
        WHERE s.place <= ${SESSIONS} ORDER BY s.application, s.place`,
        [accountId, now, ...applications]
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
        `SELECT DISTINCT g.oauth_client_id AS application, t.scope
        FROM ${LIVE} AND g.oauth_client_id IN (${applications.map(() => '?').join(', ')})
        ORDER BY application, t.scope`,
        [accountId, now, ...applications]
    );
}
