import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import { OAuthClient } from './client';
import { ACCOUNT_ID, ENGINE, HASH, ID, NAMES, OPTIONAL_TIME, RESOURCE, TIME } from './columns';

/** An authorization request (RFC 6749 §4.1.1) that waits for its person's decision. */
@Entity('oauth_authorization_requests', { engine: ENGINE })
@Index('idx_oauth_authorization_requests_client', ['oauthClientId'])
@Index('idx_oauth_authorization_requests_account', ['accountId', 'oauthClientId', 'createdAt', 'id'])
@Index('idx_oauth_authorization_requests_expires', ['expiresAt', 'id'])
export class OAuthAuthorizationRequest {
    /** The `request_id`. */
    @PrimaryColumn(ID)
    id!: string;

    @Column({ ...ID, name: 'oauth_client_id' })
    oauthClientId!: string;

    @ManyToOne(() => OAuthClient, { nullable: false, onUpdate: 'NO ACTION', onDelete: 'NO ACTION' })
    @JoinColumn({ name: 'oauth_client_id', foreignKeyConstraintName: 'fk_oauth_authorization_requests_client' })
    client?: OAuthClient;

    @Column({ ...ACCOUNT_ID, name: 'account_id' })
    accountId!: string;

    @Column({ type: 'text', name: 'redirect_uri' })
    redirectUri!: string;

    /** What was asked for. */
    @Column(NAMES)
    scope!: string;

    /** What its person was shown at last. It only shrinks, and an approval grants no more. */
    @Column({ ...NAMES, name: 'shown_scope' })
    shownScope!: string;

    @Column({ type: 'text', nullable: true })
    state!: string | null;

    @Column({ type: 'text', nullable: true })
    nonce!: string | null;

    @Column({ ...HASH, name: 'code_challenge' })
    codeChallenge!: string;

    @Column({ ...OPTIONAL_TIME, name: 'auth_time' })
    authTime!: number | null;

    @Column({ ...OPTIONAL_TIME, name: 'decided_at' })
    decidedAt!: number | null;

    /** The grant that the approval made; null while undecided and after a denial. */
    @Column({ ...ID, name: 'grant_id', nullable: true })
    grantId!: string | null;

    /** The protected resource that its tokens are for; null for the default one. */
    @Column({ ...RESOURCE, name: 'resource' })
    resource!: string | null;

    @Column({ ...TIME, name: 'created_at' })
    createdAt!: number;

    @Column({ ...TIME, name: 'expires_at' })
    expiresAt!: number;
}
