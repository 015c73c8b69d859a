import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { ACCOUNT_ID, BOOLEAN, ENGINE, ID, NAMES, OPTIONAL_TIME, TIME } from './columns';

/** Who made a client known to the forum. */
export const CLIENT_SOURCES = [
    'first_party',
    'administrator',
    'member',
    'self_registered',
    'metadata_document'
] as const;

export type ClientSource = (typeof CLIENT_SOURCES)[number];

/** A suspended client can do nothing until an administrator reactivates it. */
export const CLIENT_STATUSES = ['active', 'suspended'] as const;

export type ClientStatus = (typeof CLIENT_STATUSES)[number];

/** A client (RFC 6749 §2): an application that was registered, or a built-in one once it has been used. */
@Entity('oauth_clients', { engine: ENGINE })
@Index('idx_oauth_clients_client_id', ['clientId'], { unique: true })
@Index('idx_oauth_clients_account', ['accountId', 'createdAt', 'id'])
@Index('idx_oauth_clients_created', ['deletedAt', 'createdAt', 'id'])
@Index('idx_oauth_clients_type', ['deletedAt', 'type', 'createdAt', 'id'])
@Index('idx_oauth_clients_name', ['deletedAt', 'name', 'id'])
@Index('idx_oauth_clients_source', ['source', 'deletedAt', 'createdAt', 'id'])
export class OAuthClient {
    @PrimaryColumn(ID)
    id!: string;

    /** The owner; null for built-in clients and for those that an administrator made without an owner. */
    @Column({ ...ACCOUNT_ID, name: 'account_id', nullable: true })
    accountId!: string | null;

    @Column({ type: 'varchar', length: 512, name: 'client_id' })
    clientId!: string;

    @Column({ type: 'varchar', length: 200 })
    name!: string;

    @Column({ type: 'varchar', length: 16 })
    type!: 'public' | 'confidential';

    @Column({ type: 'varchar', length: 16, name: 'scope_policy' })
    scopePolicy!: 'explicit' | 'inherit';

    /** Who made it known to the forum. `first_party`: the option `firstPartyClients`. */
    @Column({ type: 'varchar', length: 20 })
    source!: ClientSource;

    /** True for an application that the forum vouches for. */
    @Column(BOOLEAN)
    verified!: boolean;

    @Column({ type: 'varchar', length: 16 })
    status!: ClientStatus;

    @Column({ type: 'text', name: 'suspended_reason', nullable: true })
    suspendedReason!: string | null;

    @Column({ type: 'text', nullable: true })
    description!: string | null;

    @Column({ type: 'text', name: 'client_uri', nullable: true })
    clientUri!: string | null;

    @Column({ type: 'text', name: 'tos_uri', nullable: true })
    tosUri!: string | null;

    @Column({ type: 'text', name: 'policy_uri', nullable: true })
    policyUri!: string | null;

    /** A JSON array; a URI may hold any separator. */
    @Column({ type: 'text', name: 'redirect_uris' })
    redirectUris!: string;

    @Column({ ...NAMES, name: 'allowed_scopes' })
    allowedScopes!: string;

    @Column({ ...NAMES, name: 'allowed_grants' })
    allowedGrants!: string;

    /** Lower-case hex SHA-256. */
    @Column({ type: 'varchar', length: 64, name: 'secret_hash', nullable: true })
    secretHash!: string | null;

    @Column({ type: 'varchar', length: 64, name: 'previous_secret_hash', nullable: true })
    previousSecretHash!: string | null;

    @Column({ ...OPTIONAL_TIME, name: 'previous_secret_expires_at' })
    previousSecretExpiresAt!: number | null;

    @Column({ ...TIME, name: 'created_at' })
    createdAt!: number;

    @Column({ ...TIME, name: 'updated_at' })
    updatedAt!: number;

    /** Of a client that made itself known: when an account approved it last. */
    @Column({ ...OPTIONAL_TIME, name: 'used_at' })
    usedAt!: number | null;

    /** Of such a client, when it was noticed that it has no grant any more. */
    @Column({ ...OPTIONAL_TIME, name: 'idle_since' })
    idleSince!: number | null;

    /** When the document that describes it was fetched last. */
    @Column({ ...OPTIONAL_TIME, name: 'metadata_fetched_at' })
    metadataFetchedAt!: number | null;

    /** A deleted client stays, unusable, for as long as the rows of its ended grants name it. */
    @Column({ ...OPTIONAL_TIME, name: 'deleted_at' })
    deletedAt!: number | null;
}
