import type { DataSource } from 'typeorm';
import { OAuthClient, OAuthGrant, OAuthRefreshToken } from '../../entities';
import { createId } from '../../plugin/ids';
import { UNTIL_USED } from '../../plugin/store/retry-window';
import { hashSecret } from '../../plugin/tokens/secret';
import { CLI, DEVICE_CODE, START } from './forum';
import { clientRow, grantRow, insertClient, insertRows, refreshTokenOf, refreshTokenRow } from './rows';

const HOUR = 60 * 60 * 1000;
const DAY = 24 * HOUR;

/** A token of a family as a test describes it: times are epoch milliseconds. */
export interface StoredToken {
    createdAt: number;
    expiresAt?: number;
    /** When the retry window of the token before it closes; with one there is an encrypted successor. Default: erased. */
    retryUntil?: number | 'until-used';
    handedOutLate?: boolean;
}

/** Writes a token family as rotations would have left it, and returns the grant's id and the tokens. */
export async function storeFamily(
    dataSource: DataSource,
    tokens: StoredToken[],
    { endedAt = null, oauthClientId }: { endedAt?: number | null; oauthClientId?: string } = {}
): Promise<{ grantId: string; tokens: string[] }> {
    const grant = grantRow({
        oauthClientId: oauthClientId ?? (await storeFirstPartyClient(dataSource)),
        scope: CLI.scope,
        createdAt: tokens[0]?.createdAt ?? 0,
        endedAt
    });
    const issued = tokens.map((_token, generation) => refreshTokenOf(grant, generation));
    const rows = tokens.map(({ createdAt, expiresAt, retryUntil = 0, handedOutLate = false }, generation) =>
        refreshTokenRow(grant, {
            generation,
            tokenHash: hashSecret(issued[generation]!),
            sealedToken: retryUntil === 0 ? null : `encrypted token ${generation}`,
            retryUntil: retryUntil === 'until-used' ? UNTIL_USED : retryUntil,
            handedOutLate,
            createdAt,
            expiresAt: expiresAt ?? createdAt + 30 * DAY
        })
    );
    await insertRows(dataSource, OAuthGrant, [grant]);
    await insertRows(dataSource, OAuthRefreshToken, rows);
    return { grantId: grant.id, tokens: issued };
}

/** What the families that `storeFamilies` writes have in common. */
interface CommonGrant {
    accountId?: string;
    /** The client's `id`. */
    oauthClientId: string;
    scope: string;
    /** Epoch milliseconds. */
    now: number;
}

/** Writes many families of one token each, as sign-ins would. Returns the refresh tokens and the ids of their rows. */
export async function storeFamilies(
    dataSource: DataSource,
    count: number,
    { now, ...common }: CommonGrant
): Promise<{ id: string; refreshToken: string }[]> {
    const families = Array.from({ length: count }, () => {
        const grant = grantRow({ ...common, createdAt: now });
        const refreshToken = refreshTokenOf(grant);
        const fields = { tokenHash: hashSecret(refreshToken), retryUntil: now, expiresAt: now + DAY };
        return { grant, refreshToken, row: refreshTokenRow(grant, fields) };
    });
    await insertRows(
        dataSource,
        OAuthGrant,
        families.map(({ grant }) => grant)
    );
    await insertRows(
        dataSource,
        OAuthRefreshToken,
        families.map(({ row }) => row)
    );
    return families.map(({ row, refreshToken }) => ({ id: row.id, refreshToken }));
}

/** A family for `FamilyWriter`. */
export interface WrittenFamily {
    account: string;
    /** The client's `id`. */
    client: string;
    rows: number;
    /** When the first row was created, epoch milliseconds. */
    began?: number;
    /** Between two rows, milliseconds. Default: an hour. */
    apart?: number;
    ended?: number;
    expired?: boolean;
}

/** Collects token families for lists, and writes them together. */
export class FamilyWriter {
    readonly #grants: OAuthGrant[] = [];
    readonly #tokens: OAuthRefreshToken[] = [];

    constructor(private readonly dataSource: DataSource) {}

    /** Writes clients with these client ids, and returns their `id`s. */
    async clients(...clientIds: string[]): Promise<string[]> {
        const rows = clientIds.map((clientId) => clientRow({ clientId, name: `The ${clientId}` }));
        await insertRows(this.dataSource, OAuthClient, rows);
        return rows.map(({ id }) => id);
    }

    /** Adds a family, and returns the ids of its rows, oldest first. */
    add({ account, client, rows, began = START, apart = HOUR, ended, expired = false }: WrittenFamily): string[] {
        const grant = grantRow({
            oauthClientId: client,
            accountId: account,
            createdAt: began,
            endedAt: ended ?? null
        });
        const tokens = Array.from({ length: rows }, (_, generation) =>
            refreshTokenRow(grant, {
                id: createId(began),
                generation,
                tokenHash: 'h',
                scope: `openid offline_access ${generation}`,
                createdAt: began + generation * apart,
                expiresAt: expired ? START : START + 1_000_000 * HOUR
            })
        );
        this.#grants.push(grant);
        this.#tokens.push(...tokens);
        return tokens.map(({ id }) => id);
    }

    async write(): Promise<void> {
        await insertRows(this.dataSource, OAuthGrant, this.#grants.splice(0));
        await insertRows(this.dataSource, OAuthRefreshToken, this.#tokens.splice(0));
    }
}

/** Makes sure that the built-in client has a row, which it otherwise gets when it is first used. Returns its id. */
export async function storeFirstPartyClient(dataSource: DataSource): Promise<string> {
    const known = await dataSource.getRepository(OAuthClient).findOneBy({ clientId: CLI.client_id });
    const { id } =
        known ??
        (await insertClient(dataSource, {
            id: createId(0),
            clientId: CLI.client_id,
            name: 'Storyden',
            scopePolicy: 'inherit',
            source: 'first_party',
            allowedScopes: CLI.scope,
            allowedGrants: `${DEVICE_CODE} refresh_token`,
            createdAt: 0
        }));
    return id;
}

function familyRows(dataSource: DataSource, grantId: string): Promise<OAuthRefreshToken[]> {
    return dataSource.getRepository(OAuthRefreshToken).find({ where: { grantId }, order: { generation: 'ASC' } });
}

/** The generations that a family still has, in order. */
export async function generationsOf(dataSource: DataSource, grantId: string): Promise<number[]> {
    return (await familyRows(dataSource, grantId)).map(({ generation }) => generation);
}

/** The generations of a family whose encrypted token is still there. */
export async function encryptedGenerationsOf(dataSource: DataSource, grantId: string): Promise<number[]> {
    const rows = await familyRows(dataSource, grantId);
    return rows.filter(({ sealedToken }) => sealedToken !== null).map(({ generation }) => generation);
}

/** Removes every grant and token. */
export async function deleteFamilies(dataSource: DataSource): Promise<void> {
    await dataSource.query('DELETE FROM oauth_refresh_tokens');
    await dataSource.query('DELETE FROM oauth_grants');
}
