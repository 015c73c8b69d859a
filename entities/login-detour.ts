import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { ENGINE, HASH, ID, TIME } from './columns';

/**
 * An authorization request that is too long for the URL of a sign-in page, kept until its person comes back from there.
 */
@Entity('oauth_login_detours', { engine: ENGINE })
@Index('idx_oauth_login_detours_key', ['keyHash'], { unique: true })
@Index('idx_oauth_login_detours_from', ['requestedFrom', 'createdAt', 'id'])
@Index('idx_oauth_login_detours_expires', ['expiresAt', 'id'])
export class OAuthLoginDetour {
    @PrimaryColumn(ID)
    id!: string;

    /** Of the random key that the way back carries. */
    @Column({ ...HASH, name: 'key_hash' })
    keyHash!: string;

    /** The query of the request, as it was sent. */
    @Column({ type: 'text' })
    query!: string;

    /** A MAC of the client's network, so that one network cannot keep too many. */
    @Column({ ...HASH, name: 'requested_from' })
    requestedFrom!: string;

    @Column({ ...TIME, name: 'created_at' })
    createdAt!: number;

    @Column({ ...TIME, name: 'expires_at' })
    expiresAt!: number;
}
