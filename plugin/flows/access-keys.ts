import type { Context } from '../context';
import { checkVisibleName } from '../clients/name-rules';
import { invalidField, ManagementError, notFound } from '../errors/management-error';
import { createId } from '../ids';
import type { Account } from '../options/options';
import { requireMayUseAccessKeys } from '../policy';
import { covers, heldPermissions, isPermission } from '../scopes/registry';
import { joinNames } from '../scopes/text';
import {
    deleteAccessKey,
    findTakenPlaces,
    insertAccessKey,
    listAccessKeys,
    type AccessKeyDescription
} from '../store/access-keys';
import { DuplicateKey } from '../store/database-errors';
import type { Queries } from '../store/database';
import { createAccessKey } from '../tokens/access-key';
import { hashSecret } from '../tokens/secret';

/** What a member sends to create a personal access key. */
export interface NewAccessKey {
    /** 1 to 200 characters. */
    name: string;
    /** RFC 3339. Default: `accessKeys.maxLifetime` from now on, or never. */
    expires_at?: string;
    /** Permissions that the account holds. Default: all that it holds whenever the key is used. */
    scopes?: string[];
}

/** The latest time that a key can be given, the end of the year 9999: RFC 3339 ends there. */
const LATEST = Date.UTC(10_000, 0) - 1;

/** A date and time (RFC 3339 §5.6). */
const RFC3339 = /^(\d{4}-\d\d-\d\d)T\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;

/** How often a place is looked for while other requests are quicker. */
const ATTEMPTS = 20;

/** All keys of an account, newest first. */
export function listOwnAccessKeys({ clock, database }: Context, accountId: string): Promise<AccessKeyDescription[]> {
    return listAccessKeys(database, accountId, clock());
}

/**
 * Creates a personal access key.
 *
 * @returns the key, and its secret this once: only its hash is kept
 * @throws Error where the option is off
 * @throws ManagementError 400 for a malformed field, 403 without the right to keys and for a permission that the account does
 * not hold, 409 for too many keys
 */
export async function createOwnAccessKey(
    context: Context,
    account: Account,
    { name, expires_at: givenExpiry, scopes: givenScopes }: NewAccessKey
): Promise<AccessKeyDescription & { secret: string }> {
    if (!context.settings.accessKeys) {
        throw new Error('The option "accessKeys" is off: a key would open nothing');
    }
    requireMayUseAccessKeys(context, account);
    checkVisibleName(name);
    const now = context.clock();
    const expiresAt = readExpiry(context, givenExpiry, now);
    const scopes = givenScopes === undefined ? null : checkScopes(context, account, [...new Set(givenScopes)]);
    const secret = createAccessKey();
    const id = createId(now);
    await insertWithinCap(context, account.id, async (place) =>
        insertAccessKey(context.database, {
            id,
            accountId: account.id,
            place,
            name,
            keyHash: hashSecret(secret),
            scopes: scopes && joinNames(scopes),
            createdAt: now,
            updatedAt: now,
            expiresAt,
            lastUsedAt: null
        })
    );
    context.emit({
        type: 'access_key_created',
        access_key_id: id,
        account_id: account.id,
        actor_account_id: account.id
    });
    const createdAt = new Date(now).toISOString();
    return {
        id,
        createdAt,
        updatedAt: createdAt,
        name,
        enabled: true,
        ...(expiresAt !== null && { expires_at: new Date(expiresAt).toISOString() }),
        ...(scopes && { scopes }),
        secret
    };
}

/**
 * Deletes a key of an account: from here on it opens nothing.
 *
 * @throws ManagementError 404
 */
export function deleteOwnAccessKey(context: Context, account: Account, id: string): Promise<void> {
    return remove(context, account, id, account.id);
}

/**
 * Deletes a key of any account, for an administrator.
 *
 * @param administrator the account that acts
 * @throws ManagementError 404
 */
export function deleteAnyAccessKey(context: Context, administrator: Account, id: string): Promise<void> {
    return remove(context, administrator, id);
}

async function remove(context: Context, actor: Account, id: string, owner?: string): Promise<void> {
    const accountId = await deleteAccessKey(context.database, id, owner);
    if (accountId === null) {
        throw notFound('access key');
    }
    context.emit({
        type: 'access_key_deleted',
        access_key_id: id,
        account_id: accountId,
        actor_account_id: actor.id
    });
}

/**
 * Inserts a key at the first free place of an account. Of two requests for the last place, the unique index of places lets
 * one through.
 *
 * @throws ManagementError 409 where there is none
 */
async function insertWithinCap(
    { database, settings }: Context,
    accountId: string,
    insert: (place: number) => Promise<void>
): Promise<void> {
    const most = settings.caps.accessKeysPerAccount;
    // A read that is behind must not be what refuses a key, nor find the same place free again.
    let queries: Queries = database;
    for (let attempts = 1; attempts <= ATTEMPTS; ++attempts) {
        const taken = await findTakenPlaces(queries, accountId);
        const place = taken.size < most ? firstFree(taken, most) : undefined;
        if (place === undefined) {
            if (queries !== database) {
                break;
            }
            queries = database.sure;
            continue;
        }
        try {
            return await insert(place);
        } catch (error) {
            if (!(error instanceof DuplicateKey)) {
                throw error;
            }
            queries = database.sure;
        }
    }
    throw new ManagementError(
        'conflict',
        `An account can have at most ${most} access keys.`,
        'Delete one that is not used any more.',
        { rule: 'accessKeysPerAccount', limit: most }
    );
}

/** @returns undefined where all of `most` places are taken */
function firstFree(taken: ReadonlySet<number>, most: number): number | undefined {
    for (let place = 1; place <= most; ++place) {
        if (!taken.has(place)) {
            return place;
        }
    }
    return undefined;
}

/**
 * When a new key expires, epoch milliseconds; null for never.
 *
 * @throws ManagementError 400
 */
function readExpiry({ settings }: Context, given: string | undefined, now: number): number | null {
    const { maxLifetime } = settings.accessKeys || {};
    const latest = maxLifetime === undefined ? LATEST : now + maxLifetime * 1000;
    if (given === undefined) {
        return maxLifetime === undefined ? null : latest;
    }
    const time = parseTime(given);
    if (time === null) {
        throw invalidField(
            'expires_at',
            'format',
            'expires_at is not a date and time.',
            'Send one as RFC 3339 has it, such as 2030-12-31T23:59:59Z.'
        );
    }
    if (time <= now) {
        throw invalidField('expires_at', 'future', 'expires_at is not in the future.', 'Choose a later time.');
    }
    if (time > latest) {
        throw invalidField(
            'expires_at',
            'max',
            `A key can work until ${new Date(latest).toISOString()} at most.`,
            'Choose an earlier time, or leave expires_at out for the latest one.'
        );
    }
    return time;
}

/** Epoch milliseconds; null for what is no date and time. */
function parseTime(text: string): number | null {
    const [, day] = RFC3339.exec(text) ?? [];
    const time = Date.parse(text);
    if (day === undefined || Number.isNaN(time)) {
        return null;
    }
    // JavaScript takes the 30th of February for the 2nd of March.
    return new Date(`${day}T00:00:00Z`).toISOString().startsWith(day) ? time : null;
}

/** @throws ManagementError 400 for what is no permission, 403 for one that the account does not hold */
function checkScopes({ scopeRegistry }: Context, account: Account, scopes: string[]): string[] {
    if (scopes.length === 0) {
        throw invalidField(
            'scopes',
            'length',
            'A key without scopes could do nothing.',
            'Name at least one permission, or leave scopes out for all that the account holds.'
        );
    }
    if (!scopes.every((name) => isPermission(scopeRegistry, name))) {
        throw invalidField(
            'scopes',
            'known',
            'A scope is no permission of the forum.',
            'Use the names of permissions. Scopes of OpenID Connect, such as openid, are not for keys.'
        );
    }
    const held = heldPermissions(scopeRegistry, account.permissions);
    const missing = scopes.filter((name) => !covers(scopeRegistry, held, name));
    if (missing.length > 0) {
        throw new ManagementError(
            'forbidden',
            'The account does not hold every permission in scopes.',
            'Leave out the scopes that metadata names.',
            { field: 'scopes', rule: 'held', scopes: missing }
        );
    }
    return scopes;
}
