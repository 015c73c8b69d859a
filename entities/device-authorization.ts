import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import { OAuthClient } from './client';
import { ACCOUNT_ID, ENGINE, HASH, ID, NAMES, OPTIONAL_TIME, RESOURCE, TIME } from './columns';

/** A device authorization (RFC 8628) from the request to its decision and the one exchange. */
@Entity('oauth_device_authorizations', { engine: ENGINE })
@Index('idx_oauth_device_authorizations_device_code', ['deviceCodeHash'], { unique: true })
@Index('idx_oauth_device_authorizations_user_code', ['userCode'], { unique: true })
@Index('idx_oauth_device_authorizations_client', ['oauthClientId'])
@Index('idx_oauth_device_authorizations_from', ['requestedFrom', 'expiresAt'])
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

    /** What its person was shown at last; null until the code is claimed. It only shrinks, and an approval grants no more. */
    @Column({ ...NAMES, name: 'shown_scope', nullable: true })
    shownScope!: string | null;

    /** A MAC of the client's network, so that what one network has pending can be counted. */
    @Column({ ...HASH, name: 'requested_from', nullable: true })
    requestedFrom!: string | null;

    @Column({ type: 'integer', name: 'poll_interval' })
    pollInterval!: number;

    @Column({ ...OPTIONAL_TIME, name: 'last_polled_at' })
    lastPolledAt!: number | null;

    @Column({ ...ACCOUNT_ID, name: 'claimed_by_account_id', nullable: true })
    claimedByAccountId!: string | null;

    @Column({ ...ACCOUNT_ID, name: 'approved_by_account_id', nullable: true })
    approvedByAccountId!: string | null;

    /** The grant that the approval made, which says whether the device code was used. */
    @Column({ ...ID, name: 'grant_id', nullable: true })
    grantId!: string | null;

    @Column({ ...OPTIONAL_TIME, name: 'approved_at' })
    approvedAt!: number | null;

    @Column({ ...OPTIONAL_TIME, name: 'denied_at' })
    deniedAt!: number | null;

    /** The protected resource that its tokens are for; null for the default one. */
    @Column({ ...RESOURCE, name: 'resource' })
    resource!: string | null;

    @Column({ ...TIME, name: 'created_at' })
    createdAt!: number;

    @Column({ ...TIME, name: 'expires_at' })
    expiresAt!: number;
}
