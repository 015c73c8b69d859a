import { Table } from 'typeorm';
import type {
    MigrationInterface,
    QueryRunner,
    TableColumnOptions,
    TableForeignKeyOptions,
    TableIndexOptions
} from 'typeorm';
import { locked } from './locked';

const ENGINE = 'InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin';

const text = (name: string, length: number): TableColumnOptions => ({ name, type: 'varchar', length: String(length) });
const long = (name: string): TableColumnOptions => ({ name, type: 'text' });
const integer = (name: string): TableColumnOptions => ({ name, type: 'integer' });
const boolean = (name: string): TableColumnOptions => ({ name, type: 'boolean' });
const time = (name: string): TableColumnOptions => ({ name, type: 'bigint' });
const optional = (column: TableColumnOptions): TableColumnOptions => ({ ...column, isNullable: true });
const id: TableColumnOptions = { ...text('id', 20), isPrimary: true };
const index = (name: string, ...columnNames: string[]): TableIndexOptions => ({ name, columnNames });
const unique = (name: string, ...columnNames: string[]): TableIndexOptions => ({ name, columnNames, isUnique: true });

const reference = (name: string, column: string, table: string): TableForeignKeyOptions => ({
    name,
    columnNames: [column],
    referencedTableName: table,
    referencedColumnNames: ['id'],
    onUpdate: 'NO ACTION',
    onDelete: 'NO ACTION'
});

const clients = new Table({
    name: 'oauth_clients',
    engine: ENGINE,
    columns: [
        id,
        optional(text('account_id', 128)),
        text('client_id', 128),
        text('name', 200),
        text('type', 16),
        text('scope_policy', 16),
        boolean('first_party'),
        long('redirect_uris'),
        long('allowed_scopes'),
        long('allowed_grants'),
        optional(text('secret_hash', 64)),
        optional(text('previous_secret_hash', 64)),
        optional(time('previous_secret_expires_at')),
        time('created_at'),
        time('updated_at'),
        optional(time('deleted_at'))
    ],
    indices: [
        unique('idx_oauth_clients_client_id', 'client_id'),
        index('idx_oauth_clients_account', 'account_id', 'created_at', 'id'),
        index('idx_oauth_clients_created', 'deleted_at', 'created_at', 'id'),
        index('idx_oauth_clients_type', 'deleted_at', 'type', 'created_at', 'id'),
        index('idx_oauth_clients_name', 'deleted_at', 'name', 'id')
    ]
});

const grants = new Table({
    name: 'oauth_grants',
    engine: ENGINE,
    columns: [
        id,
        text('oauth_client_id', 20),
        text('account_id', 128),
        long('scope'),
        text('chain_key', 43),
        optional(time('auth_time')),
        time('created_at'),
        optional(time('ended_at')),
        optional(text('end_reason', 32))
    ],
    indices: [
        index('idx_oauth_grants_account', 'account_id', 'oauth_client_id'),
        index('idx_oauth_grants_client', 'oauth_client_id', 'created_at'),
        index('idx_oauth_grants_ended', 'ended_at', 'id')
    ],
    foreignKeys: [reference('fk_oauth_grants_client', 'oauth_client_id', 'oauth_clients')]
});

const refreshTokens = new Table({
    name: 'oauth_refresh_tokens',
    engine: ENGINE,
    columns: [
        id,
        text('grant_id', 20),
        integer('generation'),
        text('account_id', 128),
        text('oauth_client_id', 20),
        text('token_hash', 43),
        long('scope'),
        optional(text('sealed_token', 255)),
        time('retry_until'),
        boolean('handed_out_late'),
        time('created_at'),
        time('expires_at')
    ],
    indices: [
        unique('idx_oauth_refresh_tokens_chain', 'grant_id', 'generation'),
        index('idx_oauth_refresh_tokens_account', 'account_id', 'created_at', 'id'),
        index('idx_oauth_refresh_tokens_client', 'oauth_client_id', 'created_at', 'id'),
        index('idx_oauth_refresh_tokens_created', 'created_at', 'id'),
        index('idx_oauth_refresh_tokens_retry', 'retry_until', 'id')
    ],
    foreignKeys: [reference('fk_oauth_refresh_tokens_grant', 'grant_id', 'oauth_grants')]
});

const deviceAuthorizations = new Table({
    name: 'oauth_device_authorizations',
    engine: ENGINE,
    columns: [
        id,
        text('oauth_client_id', 20),
        text('device_code_hash', 43),
        text('user_code', 8),
        long('scope'),
        integer('poll_interval'),
        optional(time('last_polled_at')),
        optional(text('claimed_by_account_id', 128)),
        optional(text('approved_by_account_id', 128)),
        optional(long('approved_scope')),
        optional(time('auth_time')),
        optional(time('approved_at')),
        optional(time('denied_at')),
        optional(time('consumed_at')),
        time('created_at'),
        time('expires_at')
    ],
    indices: [
        unique('idx_oauth_device_authorizations_device_code', 'device_code_hash'),
        unique('idx_oauth_device_authorizations_user_code', 'user_code'),
        index('idx_oauth_device_authorizations_client', 'oauth_client_id'),
        index('idx_oauth_device_authorizations_created', 'created_at', 'id'),
        index('idx_oauth_device_authorizations_expires', 'expires_at', 'id')
    ],
    foreignKeys: [reference('fk_oauth_device_authorizations_client', 'oauth_client_id', 'oauth_clients')]
});

const authorizationRequests = new Table({
    name: 'oauth_authorization_requests',
    engine: ENGINE,
    columns: [
        id,
        text('oauth_client_id', 20),
        text('account_id', 128),
        long('redirect_uri'),
        long('scope'),
        optional(long('state')),
        optional(long('nonce')),
        text('code_challenge', 43),
        optional(time('auth_time')),
        optional(time('decided_at')),
        time('created_at'),
        time('expires_at')
    ],
    indices: [
        index('idx_oauth_authorization_requests_client', 'oauth_client_id'),
        index('idx_oauth_authorization_requests_expires', 'expires_at', 'id')
    ],
    foreignKeys: [reference('fk_oauth_authorization_requests_client', 'oauth_client_id', 'oauth_clients')]
});

const authorizationCodes = new Table({
    name: 'oauth_authorization_codes',
    engine: ENGINE,
    columns: [
        id,
        text('code_hash', 43),
        text('oauth_client_id', 20),
        text('account_id', 128),
        long('redirect_uri'),
        long('scope'),
        long('approved_scope'),
        optional(long('nonce')),
        text('code_challenge', 43),
        optional(time('auth_time')),
        optional(time('consumed_at')),
        optional(text('grant_id', 20)),
        time('created_at'),
        time('expires_at')
    ],
    indices: [
        unique('idx_oauth_authorization_codes_code', 'code_hash'),
        index('idx_oauth_authorization_codes_client', 'oauth_client_id'),
        index('idx_oauth_authorization_codes_expires', 'expires_at', 'id')
    ],
    foreignKeys: [reference('fk_oauth_authorization_codes_client', 'oauth_client_id', 'oauth_clients')]
});

const userCodeFailures = new Table({
    name: 'oauth_user_code_failures',
    engine: ENGINE,
    columns: [id, text('account_id', 128), boolean('wrong'), time('created_at')],
    indices: [
        index('idx_oauth_user_code_failures_account', 'account_id', 'created_at', 'id'),
        index('idx_oauth_user_code_failures_created', 'created_at', 'id')
    ]
});

/** In the order in which they can be created; the other way round they can be dropped. */
const tables = [
    clients,
    grants,
    refreshTokens,
    deviceAuthorizations,
    authorizationRequests,
    authorizationCodes,
    userCodeFailures
];

export class CreateOAuthTables1793000000000 implements MigrationInterface {
    name = 'CreateOAuthTables1793000000000';

    async up(queryRunner: QueryRunner): Promise<void> {
        await locked(queryRunner, async () => {
            for (const table of tables) {
                await queryRunner.createTable(table, true);
            }
        });
    }

    async down(queryRunner: QueryRunner): Promise<void> {
        await locked(queryRunner, async () => {
            for (const table of [...tables].reverse()) {
                await queryRunner.dropTable(table.name, true);
            }
        });
    }
}
