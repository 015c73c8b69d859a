import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import { ACCOUNT_ID, BOOLEAN, ENGINE, HASH, ID, NAMES, TIME } from './columns';
import { OAuthGrant } from './grant';

/**
 * One refresh token of a token family. That `(grant_id, generation)` is unique makes the INSERT of generation n+1 the
 * compare-and-swap of a rotation: a token has been rotated away when the next generation exists.
 */
@Entity('oauth_refresh_tokens', { engine: ENGINE })
@Index('idx_oauth_refresh_tokens_chain', ['grantId', 'generation'], { unique: true })
@Index('idx_oauth_refresh_tokens_account', ['accountId', 'createdAt', 'id'])
@Index('idx_oauth_refresh_tokens_client', ['oauthClientId', 'createdAt', 'id'])
@Index('idx_oauth_refresh_tokens_created', ['createdAt', 'id'])
@Index('idx_oauth_refresh_tokens_retry', ['retryUntil', 'id'])
export class OAuthRefreshToken {
    @PrimaryColumn(ID)
    id!: string;

    @Column({ ...ID, name: 'grant_id' })
    grantId!: string;

    @ManyToOne(() => OAuthGrant, { nullable: false, onUpdate: 'NO ACTION', onDelete: 'NO ACTION' })
    @JoinColumn({ name: 'grant_id', foreignKeyConstraintName: 'fk_oauth_refresh_tokens_grant' })
    grant?: OAuthGrant;

    /** 0 for the first token of a family. */
    @Column({ type: 'integer' })
    generation!: number;

    /** The grant's, repeated so that a member's list is one range of one index. */
    @Column({ ...ACCOUNT_ID, name: 'account_id' })
    accountId!: string;

    /** The grant's, repeated for the same reason. */
    @Column({ ...ID, name: 'oauth_client_id' })
    oauthClientId!: string;

    @Column({ ...HASH, name: 'token_hash' })
    tokenHash!: string;

    /** The scope of the token family from this token on. */
    @Column(NAMES)
    scope!: string;

    /** This token, encrypted under a key that only its predecessor yields, while it may be handed out again. */
    @Column({ type: 'varchar', length: 255, name: 'sealed_token', nullable: true })
    sealedToken!: string | null;

    /** Until when the predecessor's holder may be handed this token again; 0 once the encrypted token has been erased. */
    @Column({ ...TIME, name: 'retry_until' })
    retryUntil!: number;

    /** Handed out again more than a minute after the rotation, which `'until-used'` allows once in a row. */
    @Column({ ...BOOLEAN, name: 'handed_out_late' })
    handedOutLate!: boolean;

    @Column({ ...TIME, name: 'created_at' })
    createdAt!: number;

    @Column({ ...TIME, name: 'expires_at' })
    expiresAt!: number;
}
