import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { ACCOUNT_ID, ENGINE, HASH, ID, NAMES, OPTIONAL_TIME, TIME } from './columns';

/**
 * A personal access key: a long secret with which a script acts for an account, without OAuth. That `(account_id, place)` is
 * unique, and that there are only so many places, keeps an account within its cap.
 */
@Entity('oauth_access_keys', { engine: ENGINE })
@Index('idx_oauth_access_keys_key', ['keyHash'], { unique: true })
@Index('idx_oauth_access_keys_account', ['accountId', 'place'], { unique: true })
@Index('idx_oauth_access_keys_created', ['createdAt', 'id'])
@Index('idx_oauth_access_keys_expires', ['expiresAt', 'id'])
export class OAuthAccessKey {
    @PrimaryColumn(ID)
    id!: string;

    @Column({ ...ACCOUNT_ID, name: 'account_id' })
    accountId!: string;

    /** From 1 to the cap; free again once the key is deleted. */
    @Column({ type: 'integer' })
    place!: number;

    /** What its owner calls it. */
    @Column({ type: 'varchar', length: 200 })
    name!: string;

    @Column({ ...HASH, name: 'key_hash' })
    keyHash!: string;

    /** The permissions that it is limited to; null for all that its account holds at the time. */
    @Column({ ...NAMES, nullable: true })
    scopes!: string | null;

    @Column({ ...TIME, name: 'created_at' })
    createdAt!: number;

    @Column({ ...TIME, name: 'updated_at' })
    updatedAt!: number;

    @Column({ ...OPTIONAL_TIME, name: 'expires_at' })
    expiresAt!: number | null;

    /** To the minute. */
    @Column({ ...OPTIONAL_TIME, name: 'last_used_at' })
    lastUsedAt!: number | null;
}
