import type { DataSource } from 'typeorm';
import { OAuthClient, OAuthGrant, OAuthRefreshToken } from '../../entities';
import { createId } from '../../plugin/ids';
import { UNTIL_USED } from '../../plugin/store/retry-window';
import { createFamilyKey, createRefreshToken } from '../../plugin/tokens/refresh-token';
import { hashSecret } from '../../plugin/tokens/secret';
import { CLI, FRIGG } from './forum';

const DAY = 24 * 60 * 60 * 1000;

/** A token of a family as a test describes it. Times are epoch milliseconds. */
export interface StoredToken {
    createdAt: number;
    expiresAt?: number;
    /** The window of the token before it. The row has an encrypted successor if there is one. Default: erased. */
    retryUntil?: number | 'until-used';
    handedOutLate?: boolean;
}

/** Stores a family as rotations would have left it. Returns the grant's id and the tokens. */
export async function storeFamily(
    dataSource: DataSource,
    tokens: StoredToken[],
    { endedAt = null, oauthClientId }: { endedAt?: number | null; oauthClientId?: string } = {}
): Promise<{ grantId: string; tokens: string[] }> {
    const clientId = oauthClientId ?? (await builtInClient(dataSource));
    const began = tokens[0]?.createdAt ?? 0;
    const grantId = createId(began);
    const familyKey = createFamilyKey();
    const common = { accountId: FRIGG, oauthClientId: clientId, scope: CLI.scope };
    await dataSource.getRepository(OAuthGrant).insert({
        ...common,
        id: grantId,
        chainKey: familyKey,
        authTime: null,
        createdAt: began,
        endedAt,
        endReason: endedAt === null ? null : 'revoked_by_account'
    });
    const issued = tokens.map((_token, generation) => createRefreshToken(familyKey, { grantId, generation }));
    const rows = tokens.map(({ createdAt, expiresAt, retryUntil = 0, handedOutLate = false }, generation) => ({
        ...common,
        id: createId(createdAt),
        grantId,
        generation,
        tokenHash: hashSecret(issued[generation]!),
        sealedToken: retryUntil === 0 ? null : `encrypted ${generation}`,
        retryUntil: retryUntil === 'until-used' ? UNTIL_USED : retryUntil,
        handedOutLate,
        createdAt,
        expiresAt: expiresAt ?? createdAt + 30 * DAY
    }));
    for (let from = 0; from < rows.length; from += 500) {
        await dataSource.getRepository(OAuthRefreshToken).insert(rows.slice(from, from + 500));
    }
    return { grantId, tokens: issued };
}

/** Stores the built-in client, which is otherwise stored when it is first used. Returns its id. */
export async function builtInClient(dataSource: DataSource): Promise<string> {
    const clients = dataSource.getRepository(OAuthClient);
    const known = await clients.findOneBy({ clientId: CLI.client_id });
    if (known) {
        return known.id;
    }
    const id = createId(0);
    await clients.insert({
        id,
        accountId: null,
        clientId: CLI.client_id,
        name: 'Storyden',
        type: 'public',
        scopePolicy: 'inherit',
        firstParty: true,
        redirectUris: '[]',
        allowedScopes: CLI.scope,
        allowedGrants: 'urn:ietf:params:oauth:grant-type:device_code refresh_token',
        secretHash: null,
        previousSecretHash: null,
        previousSecretExpiresAt: null,
        createdAt: 0,
        updatedAt: 0,
        deletedAt: null
    });
    return id;
}

/** The generations that a family still has, in order. */
export async function generationsOf(dataSource: DataSource, grantId: string): Promise<number[]> {
    const rows = await dataSource
        .getRepository(OAuthRefreshToken)
        .find({ where: { grantId }, order: { generation: 'ASC' }, select: { generation: true } });
    return rows.map((row) => row.generation);
}

/** The generations of a family that still have an encrypted successor. */
export async function encryptedOf(dataSource: DataSource, grantId: string): Promise<number[]> {
    const rows = await dataSource
        .getRepository(OAuthRefreshToken)
        .find({ where: { grantId }, order: { generation: 'ASC' } });
    return rows.filter((row) => row.sealedToken !== null).map((row) => row.generation);
}

/** Removes every grant and token. */
export async function clearFamilies(dataSource: DataSource): Promise<void> {
    await dataSource.query('DELETE FROM oauth_refresh_tokens');
    await dataSource.query('DELETE FROM oauth_grants');
}
