import { OAuthAccessKey } from '../../entities';
import { ID_PATTERN } from '../ids';
import { splitNames } from '../scopes/text';
import type { Database, Queries } from './database';
import { isPastEnd, MAX_COUNTED, PAGE_SIZE, pageOf, type Page } from './paging';
import { rfc3339 } from './rfc3339';

/** How many keys an account can have at most, whatever the option says: a list shows all of them. */
export const MOST_ACCESS_KEYS = 1000;

/** How exact `last_used_at` is, milliseconds: it costs a statement, and a busy script need not pay for it each time. */
const USE_INTERVAL = 60_000;

/** A personal access key as lists show it; never its secret. */
export interface AccessKeyDescription {
    id: string;
    createdAt: string;
    updatedAt: string;
    name: string;
    /** False once it has expired. */
    enabled: boolean;
    expires_at?: string;
    /** The permissions that it is limited to. Absent: all that its account holds at the time. */
    scopes?: string[];
    /** To the minute. Absent: never. */
    last_used_at?: string;
}

/** A key as administrators see it. */
export type AdminAccessKeyDescription = AccessKeyDescription & { account_id: string };

/** What a request by key is decided by. */
export interface FoundAccessKey {
    id: string;
    accountId: string;
    /** Null for all permissions of the account. */
    scopes: string[] | null;
    expiresAt: number | null;
    lastUsedAt: number | null;
}

type Time = number | string;

interface Row {
    id: string;
    account_id: string;
    name: string;
    scopes: string | null;
    created_at: Time;
    updated_at: Time;
    expires_at: Time | null;
    last_used_at: Time | null;
}

const COLUMNS = 'k.id, k.account_id, k.name, k.scopes, k.created_at, k.updated_at, k.expires_at, k.last_used_at';

/**
 * Inserts a key.
 *
 * @throws DuplicateKey where the place is taken
 */
export function insertAccessKey(queries: Queries, row: OAuthAccessKey): Promise<void> {
    return queries.insert(OAuthAccessKey, row);
}

/** The places that the keys of an account have. */
export async function findTakenPlaces(queries: Queries, accountId: string): Promise<Set<number>> {
    const rows = await queries.query<{ place: number }>(
        `SELECT k.place FROM oauth_access_keys k WHERE k.account_id = ? ORDER BY k.place LIMIT ${MOST_ACCESS_KEYS}`,
        [accountId]
    );
    return new Set(rows.map(({ place }) => Number(place)));
}

/** The SELECT behind each request by key: one row, by a unique index. */
const BY_HASH = `SELECT k.id, k.account_id, k.scopes, k.expires_at, k.last_used_at
    FROM oauth_access_keys k WHERE k.key_hash = ?`;

/**
 * The key with a hash, expired or not; null where there is none. A read that is behind must not make a new key look
 * unknown, so what is not found is looked up once more by a locking read.
 */
export async function findAccessKey(database: Database, keyHash: string): Promise<FoundAccessKey | null> {
    const [row] = await database.queryPrepared<Row>(BY_HASH, [keyHash]);
    const [found] = row ? [row] : await database.sure.query<Row>(BY_HASH, [keyHash]);
    return found
        ? {
              id: found.id,
              accountId: found.account_id,
              scopes: found.scopes === null ? null : splitNames(found.scopes),
              expiresAt: found.expires_at === null ? null : Number(found.expires_at),
              lastUsedAt: found.last_used_at === null ? null : Number(found.last_used_at)
          }
        : null;
}

/** Notes that a key was used, at most once a minute. @param now epoch milliseconds */
export async function noteAccessKeyUse(
    queries: Queries,
    { id, lastUsedAt }: Pick<FoundAccessKey, 'id' | 'lastUsedAt'>,
    now: number
): Promise<void> {
    if (lastUsedAt !== null && lastUsedAt > now - USE_INTERVAL) {
        return;
    }
    await queries.execute(
        'UPDATE oauth_access_keys SET last_used_at = ? WHERE id = ? AND (last_used_at IS NULL OR last_used_at <= ?)',
        [now, id, now - USE_INTERVAL]
    );
}

/** All keys of an account, newest first. @param now epoch milliseconds */
export async function listAccessKeys(
    queries: Queries,
    accountId: string,
    now: number
): Promise<AccessKeyDescription[]> {
    const rows = await queries.query<Row>(
        `SELECT ${COLUMNS} FROM oauth_access_keys k WHERE k.account_id = ?
        ORDER BY k.created_at DESC, k.id DESC LIMIT ${MOST_ACCESS_KEYS}`,
        [accountId]
    );
    return rows.map((row) => describeAccessKey(row, now));
}

/**
 * One page of all keys, or of those of one account, newest first.
 *
 * @param filter `page` from 1
 * @param now epoch milliseconds
 */
export async function listAllAccessKeys(
    queries: Queries,
    { page = 1, accountId }: { page?: number; accountId?: string | undefined },
    now: number
): Promise<Page & { keys: AdminAccessKeyDescription[] }> {
    const where = accountId === undefined ? '' : 'WHERE k.account_id = ?';
    const parameters = accountId === undefined ? [] : [accountId];
    const [counted] = await queries.query<{ total: Time }>(
        `SELECT COUNT(*) AS total FROM
            (SELECT 1 AS one FROM oauth_access_keys k ${where} LIMIT ${MAX_COUNTED}) counted`,
        parameters
    );
    const total = Number(counted?.total ?? 0);
    if (isPastEnd(page, total)) {
        return { ...pageOf(page, 0, total), keys: [] };
    }
    const rows = await queries.query<Row>(
        `SELECT ${COLUMNS} FROM oauth_access_keys k ${where}
        ORDER BY k.created_at DESC, k.id DESC LIMIT ${PAGE_SIZE} OFFSET ${(page - 1) * PAGE_SIZE}`,
        parameters
    );
    const keys = rows.map((row) => ({ ...describeAccessKey(row, now), account_id: row.account_id }));
    return { ...pageOf(page, rows.length, total), keys };
}

/**
 * Deletes a key: from here on it opens nothing.
 *
 * @param accountId the owner that it must have; left out for any
 * @returns its owner; null where there is no such key
 */
export async function deleteAccessKey(database: Database, id: string, accountId?: string): Promise<string | null> {
    if (!ID_PATTERN.test(id)) {
        return null;
    }
    const owner = accountId ?? (await findOwner(database, id));
    if (owner === null) {
        return null;
    }
    const deleted = await database.execute('DELETE FROM oauth_access_keys WHERE id = ? AND account_id = ?', [
        id,
        owner
    ]);
    return deleted > 0 ? owner : null;
}

/** Deletes all keys of an account. @returns how many there were */
export function deleteAccessKeysOf(queries: Queries, accountId: string): Promise<number> {
    return queries.execute('DELETE FROM oauth_access_keys WHERE account_id = ?', [accountId]);
}

async function findOwner(database: Database, id: string): Promise<string | null> {
    const sql = 'SELECT k.account_id FROM oauth_access_keys k WHERE k.id = ?';
    const [row] = await database.query<{ account_id: string }>(sql, [id]);
    const [found] = row ? [row] : await database.sure.query<{ account_id: string }>(sql, [id]);
    return found?.account_id ?? null;
}

/** @param now epoch milliseconds */
function describeAccessKey(row: Row, now: number): AccessKeyDescription {
    return {
        id: row.id,
        createdAt: rfc3339(row.created_at),
        updatedAt: rfc3339(row.updated_at),
        name: row.name,
        enabled: row.expires_at === null || Number(row.expires_at) > now,
        ...(row.expires_at !== null && { expires_at: rfc3339(row.expires_at) }),
        ...(row.scopes !== null && { scopes: splitNames(row.scopes) }),
        ...(row.last_used_at !== null && { last_used_at: rfc3339(row.last_used_at) })
    };
}
