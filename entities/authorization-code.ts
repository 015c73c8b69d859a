import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import { OAuthClient } from './client';
import { ENGINE, HASH, ID, NAMES, TIME } from './columns';

/** An authorization code (RFC 6749 §4.1.2), bound to client, redirect URI and code challenge. Its grant says what it is for. */
@Entity('oauth_authorization_codes', { engine: ENGINE })
@Index('idx_oauth_authorization_codes_code', ['codeHash'], { unique: true })
@Index('idx_oauth_authorization_codes_client', ['oauthClientId'])
@Index('idx_oauth_authorization_codes_expires', ['expiresAt', 'id'])
export class OAuthAuthorizationCode {
    @PrimaryColumn(ID)
    id!: string;

    @Column({ ...HASH, name: 'code_hash' })
    codeHash!: string;

    @Column({ ...ID, name: 'oauth_client_id' })
    oauthClientId!: string;

    @ManyToOne(() => OAuthClient, { nullable: false, onUpdate: 'NO ACTION', onDelete: 'NO ACTION' })
    @JoinColumn({ name: 'oauth_client_id', foreignKeyConstraintName: 'fk_oauth_authorization_codes_client' })
    client?: OAuthClient;

    /** The grant that the approval made. */
    @Column({ ...ID, name: 'grant_id' })
    grantId!: string;

    @Column({ type: 'text', name: 'redirect_uri' })
    redirectUri!: string;

    /** What was asked for. */
    @Column(NAMES)
    scope!: string;

    @Column({ type: 'text', nullable: true })
    nonce!: string | null;

    @Column({ ...HASH, name: 'code_challenge' })
    codeChallenge!: string;

    @Column({ ...TIME, name: 'created_at' })
    createdAt!: number;

    @Column({ ...TIME, name: 'expires_at' })
    expiresAt!: number;
}
