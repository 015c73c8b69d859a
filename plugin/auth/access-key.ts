import type { Request } from '@hapi/hapi';
import type { Context } from '../context';
import { clientAddress } from '../http/client-address';
import { mayUseAccessKeys } from '../policy';
import { expand, heldPermissions } from '../scopes/registry';
import { narrowScope } from '../scopes/resolve';
import { findAccessKey, noteAccessKeyUse } from '../store/access-keys';
import { isUnavailable } from '../store/database-errors';
import { isWellFormedAccessKey } from '../tokens/access-key';
import { hashSecret } from '../tokens/secret';

/** `request.auth.credentials` on a route that a personal access key opened. */
export interface AccessKeyCredentials {
    accountId: string;
    /** A key belongs to no client. */
    clientId: null;
    accessKeyId: string;
    /** The permissions, the administrator permission expanded to all; hapi's `access.scope` reads it. */
    scope: string[];
    /** The same. */
    permissions: string[];
}

/**
 * What a personal access key gives at this moment: the permissions that it is limited to and that its account still holds.
 *
 * @returns null for a key that is unknown, deleted or has expired, and where its account may not act or not use keys
 * @throws OAuthError 429 after too many unknown keys from one client address, DatabaseUnavailable
 */
export async function findKeyAccess(
    context: Context,
    request: Request,
    secret: string
): Promise<{ [Name in keyof AccessKeyCredentials]: AccessKeyCredentials[Name] } | null> {
    const { database, limits, scopeRegistry } = context;
    if (!isWellFormedAccessKey(secret)) {
        return null;
    }
    const key = await findAccessKey(database, hashSecret(secret));
    if (!key) {
        await limits.failedAccessKey(clientAddress(context, request));
        return null;
    }
    const now = context.clock();
    if (key.expiresAt !== null && key.expiresAt <= now) {
        return null;
    }
    const account = await context.findAccount(key.accountId);
    if (!account || !mayUseAccessKeys(context, account)) {
        return null;
    }
    const literal = narrowScope(
        scopeRegistry,
        { policy: 'inherit', allowed: [] },
        key.scopes ?? heldPermissions(scopeRegistry, account.permissions),
        account.permissions
    );
    const permissions = expand(scopeRegistry, literal);
    await noteAccessKeyUse(database, key, now).catch((error: unknown) => {
        // While a database can only be read, keys go on working.
        if (!isUnavailable(error)) {
            throw error;
        }
    });
    return {
        accountId: account.id,
        clientId: null,
        accessKeyId: key.id,
        scope: permissions,
        permissions: [...permissions]
    };
}
