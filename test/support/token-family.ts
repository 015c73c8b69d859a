import { createDecipheriv, createHash, hkdfSync } from 'node:crypto';
import type { DataSource } from 'typeorm';
import { OAuthClient, OAuthGrant, OAuthRefreshToken } from '../../entities';
import { DEVICE_CODE, FRIGG, type Answer, type Forum, unique } from './forum';

/** The id of the grant that a refresh token names. */
export function grantOf(refreshToken: string): string {
    return refreshToken.slice('sdort_'.length, 'sdort_'.length + 20);
}

/** Every row of a token's family, oldest first. */
export function rowsOf(dataSource: DataSource, refreshToken: string): Promise<OAuthRefreshToken[]> {
    return dataSource
        .getRepository(OAuthRefreshToken)
        .find({ where: { grantId: grantOf(refreshToken) }, order: { generation: 'ASC' } });
}

/** A token's grant as it is stored. */
export function storedGrant(dataSource: DataSource, refreshToken: string): Promise<OAuthGrant> {
    return dataSource.getRepository(OAuthGrant).findOneByOrFail({ id: grantOf(refreshToken) });
}

/** An application that holds a refresh token and uses it; or a thief. */
export class Holder {
    constructor(
        readonly forum: Forum,
        public refreshToken: string
    ) {}

    /** Refreshes, and goes on with the new token. */
    async refresh(): Promise<Answer> {
        const response = await this.loseResponse();
        if (response.status === 200) {
            this.refreshToken = response.body.refresh_token;
        }
        return response;
    }

    /** Refreshes, and loses the response: it goes on with the old token. */
    loseResponse(): Promise<Answer> {
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

/** Changes a client's row in ways that no endpoint allows. */
export async function editClient(
    dataSource: DataSource,
    clientId: string,
    change: Partial<Pick<OAuthClient, 'allowedScopes' | 'allowedGrants'>>
): Promise<void> {
    await dataSource.getRepository(OAuthClient).update({ clientId }, change);
}

/** True if a text decrypts an encrypted successor: as what its key is derived from, by itself or hashed, or as the key. */
export function decryptsSuccessor(text: string, sealed: string): boolean {
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
