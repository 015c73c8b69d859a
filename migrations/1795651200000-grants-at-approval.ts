import { randomBytes } from 'node:crypto';
import { Table, TableColumn, TableIndex } from 'typeorm';
import type { MigrationInterface, QueryRunner, TableColumnOptions } from 'typeorm';
import { locked } from './locked';

const ENGINE = 'InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin';

const CLIENTS = 'oauth_clients';
const GRANTS = 'oauth_grants';
const REQUESTS = 'oauth_authorization_requests';
const CODES = 'oauth_authorization_codes';
const DEVICES = 'oauth_device_authorizations';

const text = (name: string, length: number): TableColumnOptions => ({ name, type: 'varchar', length: String(length) });
const long = (name: string): TableColumnOptions => ({ name, type: 'text' });
const time = (name: string): TableColumnOptions => ({ name, type: 'bigint' });
const boolean = (name: string): TableColumnOptions => ({ name, type: 'boolean' });
const optional = (column: TableColumnOptions): TableColumnOptions => ({ ...column, isNullable: true });
const index = (name: string, ...columnNames: string[]): TableIndex => new TableIndex({ name, columnNames });
const unique = (name: string, ...columnNames: string[]): TableIndex =>
    new TableIndex({ name, columnNames, isUnique: true });

const loginDetours = new Table({
    name: 'oauth_login_detours',
    engine: ENGINE,
    columns: [
        { ...text('id', 20), isPrimary: true },
        text('key_hash', 43),
        long('query'),
        text('requested_from', 43),
        time('created_at'),
        time('expires_at')
    ],
    indices: [
        { name: 'idx_oauth_login_detours_key', columnNames: ['key_hash'], isUnique: true },
        { name: 'idx_oauth_login_detours_from', columnNames: ['requested_from', 'created_at', 'id'] },
        { name: 'idx_oauth_login_detours_expires', columnNames: ['expires_at', 'id'] }
    ]
});

/**
 * A grant is made when an account approves, no longer when the code is exchanged. A request keeps what was shown of it. A
 * client has a source, a status and what people judge it by.
 */
export class GrantsAtApproval1795651200000 implements MigrationInterface {
    name = 'GrantsAtApproval1795651200000';

    async up(runner: QueryRunner): Promise<void> {
        await locked(runner, async () => {
            await upClients(runner);
            await upGrants(runner);
            await upRequests(runner);
            await upCodes(runner);
            await upDevices(runner);
            await runner.createTable(loginDetours, true);
        });
    }

    async down(runner: QueryRunner): Promise<void> {
        await locked(runner, async () => {
            await runner.dropTable(loginDetours.name, true);
            await downDevices(runner);
            await downCodes(runner);
            await downRequests(runner);
            await downGrants(runner);
            await downClients(runner);
        });
    }
}

/*
 * Each function below asks for the column that its last step removes, or adds: while that step is not done, all before it can
 * be done again.
 */

async function upClients(runner: QueryRunner): Promise<void> {
    if (!(await runner.hasColumn(CLIENTS, 'first_party'))) {
        return;
    }
    // Who made a client for an account was not kept. Its owner is the cautious guess.
    await addFilled(
        runner,
        CLIENTS,
        text('source', 20),
        "CASE WHEN first_party = 1 THEN 'first_party' WHEN account_id IS NULL THEN 'administrator' ELSE 'member' END"
    );
    await addFilled(runner, CLIENTS, boolean('verified'), "CASE WHEN source = 'member' THEN 0 ELSE 1 END");
    await addFilled(runner, CLIENTS, text('status', 16), "'active'");
    await add(
        runner,
        CLIENTS,
        ...['suspended_reason', 'description', 'client_uri', 'tos_uri', 'policy_uri'].map((name) =>
            optional(long(name))
        )
    );
    await drop(runner, CLIENTS, 'first_party');
}

async function downClients(runner: QueryRunner): Promise<void> {
    if (!(await runner.hasColumn(CLIENTS, 'source'))) {
        return;
    }
    await addFilled(runner, CLIENTS, boolean('first_party'), "CASE WHEN source = 'first_party' THEN 1 ELSE 0 END");
    if (await runner.hasColumn(CLIENTS, 'status')) {
        // The version before knows no suspension: to it, a suspended client is one that was deleted.
        await runner.query(
            `UPDATE ${CLIENTS} SET deleted_at = updated_at WHERE status = 'suspended' AND deleted_at IS NULL`
        );
    }
    await drop(
        runner,
        CLIENTS,
        'verified',
        'status',
        'suspended_reason',
        'description',
        'client_uri',
        'tos_uri',
        'policy_uri',
        'source'
    );
}

async function upGrants(runner: QueryRunner): Promise<void> {
    if (!(await runner.hasColumn(GRANTS, 'standing_for'))) {
        await add(runner, GRANTS, optional(time('exchanged_at')), optional(time('expires_at')));
        await runner.query(`UPDATE ${GRANTS} SET exchanged_at = created_at, expires_at = created_at`);
        await add(runner, GRANTS, optional(text('standing_for', 43)));
    }
    await replaceIndex(runner, GRANTS, index('idx_oauth_grants_account', 'account_id', 'oauth_client_id', 'ended_at'));
    await replaceIndex(runner, GRANTS, unique('idx_oauth_grants_standing', 'standing_for'));
}

async function downGrants(runner: QueryRunner): Promise<void> {
    // Before, a grant was what has refresh tokens.
    await runner.query(
        `DELETE FROM ${GRANTS} WHERE NOT EXISTS (SELECT 1 FROM oauth_refresh_tokens t WHERE t.grant_id = ${GRANTS}.id)`
    );
    await runner.query(`UPDATE ${CODES} SET grant_id = NULL WHERE grant_id NOT IN (SELECT id FROM ${GRANTS})`);
    await replaceIndex(runner, GRANTS, index('idx_oauth_grants_account', 'account_id', 'oauth_client_id'));
    await dropIndex(runner, GRANTS, 'idx_oauth_grants_standing');
    await drop(runner, GRANTS, 'exchanged_at', 'expires_at', 'standing_for');
}

async function upRequests(runner: QueryRunner): Promise<void> {
    if (!(await runner.hasColumn(REQUESTS, 'grant_id'))) {
        // What was shown was not kept. An approval still grants no more than was asked for.
        await addFilled(runner, REQUESTS, long('shown_scope'), 'scope');
        await add(runner, REQUESTS, optional(text('grant_id', 20)));
    }
    await replaceIndex(
        runner,
        REQUESTS,
        index('idx_oauth_authorization_requests_account', 'account_id', 'oauth_client_id', 'created_at', 'id')
    );
}

async function downRequests(runner: QueryRunner): Promise<void> {
    await dropIndex(runner, REQUESTS, 'idx_oauth_authorization_requests_account');
    await drop(runner, REQUESTS, 'shown_scope', 'grant_id');
}

async function upCodes(runner: QueryRunner): Promise<void> {
    if (!(await runner.hasColumn(CODES, 'consumed_at'))) {
        return;
    }
    // Without a grant, a code that was used is of no more use than one that is unknown.
    await runner.query(`DELETE FROM ${CODES} WHERE consumed_at IS NOT NULL AND grant_id IS NULL`);
    if (await runner.hasColumn(CODES, 'approved_scope')) {
        await makeGrants(
            runner,
            `SELECT id, oauth_client_id, account_id, approved_scope AS scope, auth_time, created_at, expires_at
            FROM ${CODES} WHERE grant_id IS NULL`
        );
    }
    await runner.query(`UPDATE ${CODES} SET grant_id = id WHERE grant_id IS NULL`);
    await makeRequired(runner, CODES, text('grant_id', 20));
    await drop(runner, CODES, 'approved_scope', 'account_id', 'auth_time', 'consumed_at');
}

async function downCodes(runner: QueryRunner): Promise<void> {
    if (await runner.hasColumn(CODES, 'consumed_at')) {
        return;
    }
    await runner.query(`DELETE FROM ${CODES} WHERE grant_id NOT IN (SELECT id FROM ${GRANTS})`);
    const ofGrant = (column: string): string => `(SELECT ${column} FROM ${GRANTS} g WHERE g.id = ${CODES}.grant_id)`;
    await addFilled(runner, CODES, text('account_id', 128), ofGrant('g.account_id'));
    await addFilled(runner, CODES, long('approved_scope'), ofGrant('g.scope'));
    await runner.changeColumn(CODES, 'grant_id', new TableColumn(optional(text('grant_id', 20))));
    await add(runner, CODES, optional(time('auth_time')), optional(time('consumed_at')));
    await runner.query(
        `UPDATE ${CODES} SET auth_time = ${ofGrant('g.auth_time')},
            consumed_at = ${ofGrant('COALESCE(g.exchanged_at, g.ended_at)')}`
    );
    await runner.query(`UPDATE ${CODES} SET grant_id = NULL WHERE consumed_at IS NULL`);
}

async function upDevices(runner: QueryRunner): Promise<void> {
    if (await runner.hasColumn(DEVICES, 'consumed_at')) {
        await add(
            runner,
            DEVICES,
            optional(long('shown_scope')),
            optional(text('grant_id', 20)),
            optional(text('requested_from', 43))
        );
        // Which grant it began was not kept, and to a device a code that was used is one that is unknown.
        await runner.query(`DELETE FROM ${DEVICES} WHERE consumed_at IS NOT NULL`);
        if (await runner.hasColumn(DEVICES, 'approved_scope')) {
            await makeGrants(
                runner,
                `SELECT id, oauth_client_id, approved_by_account_id AS account_id, approved_scope AS scope, auth_time,
                    approved_at AS created_at, expires_at
                FROM ${DEVICES} WHERE approved_at IS NOT NULL`
            );
        }
        await runner.query(`UPDATE ${DEVICES} SET grant_id = id WHERE approved_at IS NOT NULL`);
        await runner.query(`UPDATE ${DEVICES} SET shown_scope = scope WHERE claimed_by_account_id IS NOT NULL`);
        await drop(runner, DEVICES, 'approved_scope', 'auth_time', 'consumed_at');
    }
    await replaceIndex(runner, DEVICES, index('idx_oauth_device_authorizations_from', 'requested_from', 'expires_at'));
}

async function downDevices(runner: QueryRunner): Promise<void> {
    if (!(await runner.hasColumn(DEVICES, 'grant_id'))) {
        return;
    }
    await runner.query(
        `DELETE FROM ${DEVICES} WHERE grant_id IS NOT NULL AND grant_id NOT IN (SELECT id FROM ${GRANTS})`
    );
    await dropIndex(runner, DEVICES, 'idx_oauth_device_authorizations_from');
    await add(
        runner,
        DEVICES,
        optional(long('approved_scope')),
        optional(time('auth_time')),
        optional(time('consumed_at'))
    );
    const ofGrant = (column: string): string => `(SELECT ${column} FROM ${GRANTS} g WHERE g.id = ${DEVICES}.grant_id)`;
    await runner.query(
        `UPDATE ${DEVICES} SET approved_scope = ${ofGrant('g.scope')}, auth_time = ${ofGrant('g.auth_time')},
            consumed_at = ${ofGrant('COALESCE(g.exchanged_at, g.ended_at)')} WHERE grant_id IS NOT NULL`
    );
    await drop(runner, DEVICES, 'shown_scope', 'requested_from', 'grant_id');
}

interface Approval {
    id: string;
    oauth_client_id: string;
    account_id: string;
    scope: string;
    auth_time: number | string | null;
    created_at: number | string;
    expires_at: number | string;
}

/** Makes the grants of approvals that are not exchanged yet, each with the id of its code. */
async function makeGrants(runner: QueryRunner, approvals: string): Promise<void> {
    for (const each of (await runner.query(approvals)) as Approval[]) {
        await runner.query(`DELETE FROM ${GRANTS} WHERE id = ?`, [each.id]);
        await runner.query(
            `INSERT INTO ${GRANTS} (id, oauth_client_id, account_id, scope, chain_key, auth_time, created_at, expires_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
            [
                each.id,
                each.oauth_client_id,
                each.account_id,
                each.scope,
                randomBytes(32).toString('base64url'),
                each.auth_time,
                each.created_at,
                each.expires_at
            ]
        );
    }
}

/** Adds the columns that there are not yet. */
async function add(runner: QueryRunner, table: string, ...columns: TableColumnOptions[]): Promise<void> {
    for (const column of columns) {
        if (!(await runner.hasColumn(table, column.name))) {
            await runner.addColumn(table, new TableColumn(column));
        }
    }
}

/** Drops the columns that are still there. */
async function drop(runner: QueryRunner, table: string, ...columns: string[]): Promise<void> {
    for (const column of columns) {
        if (await runner.hasColumn(table, column)) {
            await runner.dropColumn(table, column);
        }
    }
}

/** Adds a column that is never NULL and has no default. @param value SQL for the rows that there are */
async function addFilled(runner: QueryRunner, table: string, column: TableColumnOptions, value: string): Promise<void> {
    await add(runner, table, optional(column));
    await runner.query(`UPDATE ${table} SET ${column.name} = ${value}`);
    await makeRequired(runner, table, column);
}

/** Makes a column that has a value in every row one that must have one. */
async function makeRequired(runner: QueryRunner, table: string, column: TableColumnOptions): Promise<void> {
    await runner.changeColumn(table, column.name, new TableColumn(column));
}

async function dropIndex(runner: QueryRunner, table: string, name: string): Promise<void> {
    const found = (await runner.getTable(table))!.indices.some((each) => each.name === name);
    if (found) {
        await runner.dropIndex(table, name);
    }
}

async function replaceIndex(runner: QueryRunner, table: string, replacement: TableIndex): Promise<void> {
    await dropIndex(runner, table, replacement.name!);
    await runner.createIndex(table, replacement);
}
