import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import { OAuthClient } from './client';
import { ACCOUNT_ID, ENGINE, HASH, ID, NAMES, OPTIONAL_TIME, RESOURCE, TIME } from './columns';

/**
 * What an account gave a client: made when the account approves, exchanged once for tokens, and revoked at most once. The
 * tokens of client credentials share one standing grant.
 */
@Entity('oauth_grants', { engine: ENGINE })
@Index('idx_oauth_grants_account', ['accountId', 'oauthClientId', 'endedAt'])
@Index('idx_oauth_grants_client', ['oauthClientId', 'createdAt'])
@Index('idx_oauth_grants_ended', ['endedAt', 'id'])
@Index('idx_oauth_grants_standing', ['standingFor'], { unique: true })
export class OAuthGrant {
    @PrimaryColumn(ID)
    id!: string;

    @Column({ ...ID, name: 'oauth_client_id' })
    oauthClientId!: string;

    @ManyToOne(() => OAuthClient, { nullable: false, onUpdate: 'NO ACTION', onDelete: 'NO ACTION' })
    @JoinColumn({ name: 'oauth_client_id', foreignKeyConstraintName: 'fk_oauth_grants_client' })
    client?: OAuthClient;

    @Column({ ...ACCOUNT_ID, name: 'account_id' })
    accountId!: string;

    /** What was granted at first. The head of the token family says what is left of it. */
    @Column(NAMES)
    scope!: string;

    /** The protected resource that its tokens are for; null for the default one. */
    @Column({ ...RESOURCE, name: 'resource' })
    resource!: string | null;

    /** 256 random bits that prove, without its row, that a refresh token was issued in its token family. */
    @Column({ ...HASH, name: 'chain_key' })
    chainKey!: string;

    /** When the person signed in, epoch seconds, where the host tells (OpenID Connect Core §2, `auth_time`). */
    @Column({ ...OPTIONAL_TIME, name: 'auth_time' })
    authTime!: number | null;

    @Column({ ...TIME, name: 'created_at' })
    createdAt!: number;

    /** When its code was exchanged for tokens. */
    @Column({ ...OPTIONAL_TIME, name: 'exchanged_at' })
    exchangedAt!: number | null;

    /**
     * Until when it is of use without a refresh token: until its code expires, and after the exchange until the access
     * token does. Null for a standing grant.
     */
    @Column({ ...OPTIONAL_TIME, name: 'expires_at' })
    expiresAt!: number | null;

    /** Of a standing grant, while it is not revoked: a hash of what it is for, so that there is one at a time. */
    @Column({ ...HASH, name: 'standing_for', nullable: true })
    standingFor!: string | null;

    @Column({ ...OPTIONAL_TIME, name: 'ended_at' })
    endedAt!: number | null;

    @Column({ type: 'varchar', length: 32, name: 'end_reason', nullable: true })
    endReason!: string | null;
}
