import type { Client } from '../store/clients';
import type { Context } from '../context';
import { createId } from '../ids';
import type { Queries } from '../store/database';
import { insertGrant } from '../store/grants';
import { insertFirstToken } from '../store/token-family';
import { refreshTokenExpiry } from '../store/token-lifetimes';
import { createFamilyKey, createRefreshToken } from '../tokens/refresh-token';
import { hashSecret } from '../tokens/secret';

/** A grant that an exchange is about to make. */
export interface NewGrant {
    grantId: string;
    refreshToken: string;
    /** Writes the grant and its first refresh token, within the transaction that spends the code. */
    insert(queries: Queries): Promise<void>;
}

/**
 * Makes a grant and the first refresh token of its family. Nothing is stored before `insert` is called.
 *
 * @param authTime when the person signed in, epoch seconds
 */
export function newGrant(
    { clock, settings }: Context,
    {
        client,
        accountId,
        scope,
        authTime
    }: { client: Client; accountId: string; scope: readonly string[]; authTime: number | null }
): NewGrant {
    const now = clock();
    const familyKey = createFamilyKey();
    const grant = { id: createId(now), accountId, oauthClientId: client.id, scope, familyKey, authTime };
    const refreshToken = createRefreshToken(familyKey, { grantId: grant.id, generation: 0 });
    const token = {
        hash: hashSecret(refreshToken),
        scope,
        expiresAt: refreshTokenExpiry(settings.lifetimes, now, now)
    };
    return {
        grantId: grant.id,
        refreshToken,
        insert: async (queries) => {
            await insertGrant(queries, grant, now);
            await insertFirstToken(queries, grant, token, now);
        }
    };
}
