import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import { OAuthClient } from './client';
import { ACCOUNT_ID, ENGINE, HASH, ID, NAMES, OPTIONAL_TIME, TIME } from './columns';

/** A device authorization (RFC 8628) from the request to its decision and the one exchange. */
@Entity('oauth_device_authorizations', { engine: ENGINE })
@Index('idx_oauth_device_authorizations_device_code', ['deviceCodeHash'], { unique: true })
@Index('idx_oauth_device_authorizations_user_code', ['userCode'], { unique: true })
@Index('idx_oauth_device_authorizations_client', ['oauthClientId'])
@Index('idx_oauth_device_authorizations_created', ['createdAt', 'id'])
@Index('idx_oauth_device_authorizations_expires', ['expiresAt', 'id'])
export class OAuthDeviceAuthorization {
    @PrimaryColumn(ID)
    id!: string;

    @Column({ ...ID, name: 'oauth_client_id' })
    oauthClientId!: string;

    @ManyToOne(() => OAuthClient, { nullable: false, onUpdate: 'NO ACTION', onDelete: 'NO ACTION' })
    @JoinColumn({ name: 'oauth_client_id', foreignKeyConstraintName: 'fk_oauth_device_authorizations_client' })
    client?: OAuthClient;

    @Column({ ...HASH, name: 'device_code_hash' })
    deviceCodeHash!: string;

    /** Eight characters without the hyphen. In the clear: administrators see it, and it is worth nothing by itself. */
    @Column({ type: 'varchar', length: 8, name: 'user_code' })
    userCode!: string;

    /** What was asked for. */
    @Column(NAMES)
    scope!: string;

    @Column({ type: 'integer', name: 'poll_interval' })
    pollInterval!: number;

    @Column({ ...OPTIONAL_TIME, name: 'last_polled_at' })
    lastPolledAt!: number | null;

    @Column({ ...ACCOUNT_ID, name: 'claimed_by_account_id', nullable: true })
    claimedByAccountId!: string | null;

    @Column({ ...ACCOUNT_ID, name: 'approved_by_account_id', nullable: true })
    approvedByAccountId!: string | null;

    @Column({ ...NAMES, name: 'approved_scope', nullable: true })
    approvedScope!: string | null;

    /** As in a grant: epoch seconds. */
    @Column({ ...OPTIONAL_TIME, name: 'auth_time' })
    authTime!: number | null;

    @Column({ ...OPTIONAL_TIME, name: 'approved_at' })
    approvedAt!: number | null;

    @Column({ ...OPTIONAL_TIME, name: 'denied_at' })
    deniedAt!: number | null;

    @Column({ ...OPTIONAL_TIME, name: 'consumed_at' })
    consumedAt!: number | null;

    @Column({ ...TIME, name: 'created_at' })
    createdAt!: number;

    @Column({ ...TIME, name: 'expires_at' })
    expiresAt!: number;
}
