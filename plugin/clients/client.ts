import { createHash } from 'node:crypto';
import { OAuthClient } from '../../entities';
import type { Context } from '../context';
import { DuplicateKey } from '../store/database';
import { encodeId } from '../ids';
import type { ScopeRule } from '../scopes/resolve';
import { joinNames, splitNames } from '../scopes/text';

/** A client (RFC 6749 §2) as a request needs it. */
export interface Client extends ScopeRule {
    /** What other rows refer to. */
    id: string;
    /** What it calls itself (RFC 6749 §2.2). */
    clientId: string;
    name: string;
    /** Its owner. */
    accountId: string | null;
    type: 'public' | 'confidential';
    policy: 'explicit' | 'inherit';
    firstParty: boolean;
    redirectUris: string[];
    allowed: string[];
    grants: string[];
    secretHash: string | null;
    previousSecretHash: string | null;
    previousSecretExpiresAt: number | null;
}

/** What a query selects of `oauth_clients c` for `clientFromRow`. */
export const CLIENT_COLUMNS = `c.id AS c_id, c.client_id AS c_client_id, c.name AS c_name, c.account_id AS c_account_id,
    c.type AS c_type, c.scope_policy AS c_scope_policy, c.first_party AS c_first_party,
    c.redirect_uris AS c_redirect_uris, c.allowed_scopes AS c_allowed_scopes, c.allowed_grants AS c_allowed_grants,
    c.secret_hash AS c_secret_hash, c.previous_secret_hash AS c_previous_secret_hash,
    c.previous_secret_expires_at AS c_previous_secret_expires_at`;

export interface ClientColumns {
    c_id: string;
    c_client_id: string;
    c_name: string;
    c_account_id: string | null;
    c_type: Client['type'];
    c_scope_policy: Client['policy'];
    c_first_party: number;
    c_redirect_uris: string;
    c_allowed_scopes: string;
    c_allowed_grants: string;
    c_secret_hash: string | null;
    c_previous_secret_hash: string | null;
    c_previous_secret_expires_at: number | string | null;
}

export function clientFromRow(row: ClientColumns): Client {
    return {
        id: row.c_id,
        clientId: row.c_client_id,
        name: row.c_name,
        accountId: row.c_account_id,
        type: row.c_type,
        policy: row.c_scope_policy,
        firstParty: Boolean(row.c_first_party),
        redirectUris: JSON.parse(row.c_redirect_uris) as string[],
        allowed: splitNames(row.c_allowed_scopes),
        grants: splitNames(row.c_allowed_grants),
        secretHash: row.c_secret_hash,
        previousSecretHash: row.c_previous_secret_hash,
        previousSecretExpiresAt:
            row.c_previous_secret_expires_at === null ? null : Number(row.c_previous_secret_expires_at)
    };
}

/** The characters that a client id may have. Others are not looked up: a database may take `x` and `x ` for the same. */
export const CLIENT_ID_PATTERN = /^[A-Za-z0-9._~-]{1,128}$/;

/** All that a built-in client may ask for, and must. */
export const FIRST_PARTY_SCOPES = ['openid', 'profile', 'offline_access'];

export const DEVICE_CODE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

/** The client with this `client_id`; null where there is none, or it was deleted or is built in no longer. */
export async function findClient(context: Context, clientId: string): Promise<Client | null> {
    if (!CLIENT_ID_PATTERN.test(clientId)) {
        return null;
    }
    const rows = await context.database.query<ClientColumns>(
        `SELECT ${CLIENT_COLUMNS} FROM oauth_clients c WHERE c.client_id = ? AND c.deleted_at IS NULL`,
        [clientId]
    );
    return ensureFirstPartyClient(context, clientId, rows[0] ? clientFromRow(rows[0]) : null);
}

/**
 * Holds what the table says of a `client_id` against the `firstPartyClients` option. A built-in client gets its row when
 * it is first used, which works on an empty database and needs no set-up.
 */
export async function ensureFirstPartyClient(
    context: Context,
    clientId: string,
    found: Client | null
): Promise<Client | null> {
    const builtIn = context.settings.firstPartyClients.find((client) => client.clientId === clientId);
    if (!builtIn) {
        return found?.firstParty ? null : found;
    }
    if (found && !found.firstParty) {
        throw new Error(`The client_id ${clientId} of "firstPartyClients" belongs to a registered client`);
    }
    if (found?.name === builtIn.name) {
        return found;
    }
    if (found) {
        await context.database.execute('UPDATE oauth_clients SET name = ?, updated_at = ? WHERE id = ?', [
            builtIn.name,
            context.clock(),
            found.id
        ]);
        return { ...found, name: builtIn.name };
    }
    try {
        await context.database.insert(OAuthClient, firstPartyRow(builtIn, context.clock()));
    } catch (error) {
        // Another process, or another request of this one, was first.
        if (!(error instanceof DuplicateKey)) {
            throw error;
        }
    }
    const rows = await context.database.query<ClientColumns>(
        `SELECT ${CLIENT_COLUMNS} FROM oauth_clients c WHERE c.id = ? AND c.client_id = ?`,
        [firstPartyId(clientId), clientId]
    );
    if (!rows[0]) {
        throw new Error(`The client_id ${clientId} of "firstPartyClients" belonged to a registered client`);
    }
    return clientFromRow(rows[0]);
}

/** A built-in client's row is written by any process at any time, so its id follows from its name. */
function firstPartyId(clientId: string): string {
    return encodeId(createHash('sha256').update(`built-in client ${clientId}`).digest().subarray(0, 12));
}

function firstPartyRow({ clientId, name }: { clientId: string; name: string }, now: number): OAuthClient {
    return {
        id: firstPartyId(clientId),
        accountId: null,
        clientId,
        name,
        type: 'public',
        scopePolicy: 'inherit',
        firstParty: true,
        redirectUris: '[]',
        allowedScopes: joinNames(FIRST_PARTY_SCOPES),
        allowedGrants: joinNames([DEVICE_CODE_GRANT, 'refresh_token']),
        secretHash: null,
        previousSecretHash: null,
        previousSecretExpiresAt: null,
        createdAt: now,
        updatedAt: now,
        deletedAt: null
    };
}
