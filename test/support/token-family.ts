import { createDecipheriv, createHash, hkdfSync } from 'node:crypto';
import type { DataSource } from 'typeorm';
import { OAuthClient, OAuthGrant, OAuthRefreshToken } from '../../entities';
import { createId } from '../../plugin/ids';
import { createFamilyKey, createRefreshToken } from '../../plugin/tokens/refresh-token';
import { hashSecret } from '../../plugin/tokens/secret';
import { DEVICE_CODE, FRIGG, type Answer, type Forum, unique } from './forum';

/** The id of the grant that a refresh token names. */
export function grantOf(refreshToken: string): string {
    return refreshToken.slice('sdort_'.length, 'sdort_'.length + 20);
}

/** Every row of a token's chain, oldest first. */
export function rowsOf(dataSource: DataSource, refreshToken: string): Promise<OAuthRefreshToken[]> {
    return dataSource
        .getRepository(OAuthRefreshToken)
        .find({ where: { grantId: grantOf(refreshToken) }, order: { generation: 'ASC' } });
}

/** A token's grant as it is stored. */
export function storedGrant(dataSource: DataSource, refreshToken: string): Promise<OAuthGrant> {
    return dataSource.getRepository(OAuthGrant).findOneByOrFail({ id: grantOf(refreshToken) });
}

/** Somebody who holds a refresh token and uses it, as a phone does or the thief of one. */
export class Holder {
    constructor(
        readonly forum: Forum,
        public refreshToken: string
    ) {}

    /** A refresh whose answer arrives. */
    async refresh(): Promise<Answer> {
        const answer = await this.loseAnswer();
        if (answer.status === 200) {
            this.refreshToken = answer.body.refresh_token;
        }
        return answer;
    }

    /** A refresh whose answer gets lost on the way. */
    loseAnswer(): Promise<Answer> {
        return this.forum.refresh(this.refreshToken);
    }
}

/** What `forum.signIn` and `forum.refresh` need of a member's application. */
export interface Device {
    /** The client's `id`. */
    id: string;
    client_id: string;
    scope: string;
}

/** Registers a public application for devices that stays signed in. */
export async function createDevice(
    forum: Forum,
    scope = 'offline_access READ_PUBLISHED_THREADS',
    accountId = FRIGG
): Promise<Device> {
    const { client } = await forum.createClient(accountId, {
        name: unique('Device '),
        type: 'public',
        allowed_grants: [DEVICE_CODE, 'refresh_token'],
        allowed_scopes: scope.split(' ')
    });
    return { id: client.id, client_id: client.client_id, scope };
}

/** Changes a client's row as no endpoint does. */
export async function editClient(
    dataSource: DataSource,
    clientId: string,
    change: Partial<Pick<OAuthClient, 'allowedScopes' | 'allowedGrants'>>
): Promise<void> {
    await dataSource.getRepository(OAuthClient).update({ clientId }, change);
}

/**
 * Writes many chains of one token each, as sign-ins would.
 *
 * @param now epoch milliseconds
 * @returns the refresh tokens and the ids of their rows
 */
export async function seedChains(
    dataSource: DataSource,
    count: number,
    { accountId = FRIGG, oauthClientId, scope, now }: SeededGrant
): Promise<{ id: string; refreshToken: string }[]> {
    const grants: OAuthGrant[] = [];
    const rows: OAuthRefreshToken[] = [];
    const chains = Array.from({ length: count }, () => {
        const grantId = createId(now);
        const chainKey = createFamilyKey();
        const refreshToken = createRefreshToken(chainKey, { grantId, generation: 0 });
        const id = createId(now);
        const common = { accountId, oauthClientId, scope, createdAt: now };
        grants.push({ ...common, id: grantId, chainKey, authTime: null, endedAt: null, endReason: null });
        rows.push({
            ...common,
            id,
            grantId,
            generation: 0,
            tokenHash: hashSecret(refreshToken),
            sealedToken: null,
            retryUntil: now,
            handedOutLate: false,
            expiresAt: now + 86_400_000
        });
        return { id, refreshToken };
    });
    await dataSource.getRepository(OAuthGrant).insert(grants);
    await dataSource.getRepository(OAuthRefreshToken).insert(rows);
    return chains;
}

interface SeededGrant {
    accountId?: string;
    /** The client's `id`. */
    oauthClientId: string;
    scope: string;
    now: number;
}

/** True when a text opens a sealed token: as what its key is derived from, by itself or hashed, or as the key. */
export function opensSeal(text: string, sealed: string): boolean {
    const bytes = Buffer.from(sealed, 'base64url');
    const hash = createHash('sha256').update(text).digest();
    const materials = [text, hash, hash.toString('hex'), Buffer.from(text, 'base64url')];
    const derived = materials.map((material) =>
        Buffer.from(hkdfSync('sha256', material, '', 'hapi-forum-oauth sealed successor', 32))
    );
    return [...derived, hash, Buffer.from(text, 'base64url')].some((key) => {
        try {
            const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12), { authTagLength: 16 });
            decipher.setAuthTag(bytes.subarray(-16)).update(bytes.subarray(12, -16));
            decipher.final();
            return true;
        } catch {
            return false;
        }
    });
}
