import type { DataSource, EntityTarget, ObjectLiteral } from 'typeorm';
import type { ColumnMetadata } from 'typeorm/metadata/ColumnMetadata';
import {
    OAuthClient,
    type OAuthAccessKey,
    type OAuthAuthorizationCode,
    type OAuthAuthorizationRequest,
    type OAuthDeviceAuthorization,
    type OAuthGrant,
    type OAuthLoginDetour,
    type OAuthRefreshToken
} from '../../entities';
import { createId } from '../../plugin/ids';
import { createFamilyKey, createRefreshToken } from '../../plugin/tokens/refresh-token';
import { hashSecret } from '../../plugin/tokens/secret';
import { FRIGG, START, unique } from './forum';

// The one place that lists the columns of a row. A test names those that it is about.

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

type Fields<Row, Required extends keyof Row> = Partial<Row> & Pick<Row, Required>;

/** A public client without an owner that is allowed nothing. */
export function clientRow(fields: Partial<OAuthClient> = {}): OAuthClient {
    const createdAt = fields.createdAt ?? START;
    return {
        id: createId(createdAt),
        accountId: null,
        clientId: unique('client-'),
        name: 'An application',
        type: 'public',
        scopePolicy: 'explicit',
        source: 'administrator',
        verified: false,
        status: 'active',
        suspendedReason: null,
        description: null,
        clientUri: null,
        tosUri: null,
        policyUri: null,
        redirectUris: '[]',
        allowedScopes: '',
        allowedGrants: '',
        secretHash: null,
        previousSecretHash: null,
        previousSecretExpiresAt: null,
        createdAt,
        updatedAt: createdAt,
        usedAt: null,
        idleSince: null,
        metadataFetchedAt: null,
        deletedAt: null,
        ...fields
    };
}

/** A personal access key of frigg's that never expires and was never used. */
export function accessKeyRow(fields: Partial<OAuthAccessKey> = {}): OAuthAccessKey {
    const createdAt = fields.createdAt ?? START;
    return {
        id: createId(createdAt),
        accountId: FRIGG,
        place: 1,
        name: 'A script',
        keyHash: hashSecret(unique('key-')),
        scopes: null,
        createdAt,
        updatedAt: createdAt,
        expiresAt: null,
        lastUsedAt: null,
        ...fields
    };
}

/** A grant of frigg's that was exchanged at once; one with an end was revoked by the account. */
export function grantRow(fields: Fields<OAuthGrant, 'oauthClientId'>): OAuthGrant {
    const createdAt = fields.createdAt ?? START;
    return {
        id: createId(createdAt),
        accountId: FRIGG,
        scope: 'openid offline_access',
        resource: null,
        chainKey: fields.chainKey ?? createFamilyKey(),
        authTime: null,
        createdAt,
        exchangedAt: createdAt,
        expiresAt: createdAt,
        standingFor: null,
        endedAt: null,
        endReason: (fields.endedAt ?? null) === null ? null : 'revoked_by_account',
        ...fields
    };
}

/** A refresh token of a grant's family: its first, good for 30 days, with no encrypted successor. */
export function refreshTokenRow(grant: OAuthGrant, fields: Partial<OAuthRefreshToken> = {}): OAuthRefreshToken {
    const { generation = 0, createdAt = grant.createdAt } = fields;
    return {
        id: createId(createdAt),
        grantId: grant.id,
        generation,
        accountId: grant.accountId,
        oauthClientId: grant.oauthClientId,
        tokenHash: fields.tokenHash ?? hashSecret(refreshTokenOf(grant, generation)),
        scope: grant.scope,
        sealedToken: null,
        retryUntil: 0,
        handedOutLate: false,
        createdAt,
        expiresAt: createdAt + 30 * DAY,
        ...fields
    };
}

/** A refresh token as the client of a grant holds it; another one each time. */
export function refreshTokenOf({ id: grantId, chainKey }: OAuthGrant, generation = 0): string {
    return createRefreshToken(chainKey, { grantId, generation });
}

/** A device authorization that nobody has read, good for ten minutes. */
export function deviceAuthorizationRow(
    fields: Fields<OAuthDeviceAuthorization, 'oauthClientId'>
): OAuthDeviceAuthorization {
    const createdAt = fields.createdAt ?? START;
    return {
        id: createId(createdAt),
        deviceCodeHash: unique('hash-'),
        userCode: unique('').slice(0, 8).toUpperCase(),
        scope: 'openid',
        resource: null,
        pollInterval: 5,
        lastPolledAt: null,
        claimedByAccountId: null,
        shownScope: null,
        requestedFrom: null,
        approvedByAccountId: null,
        approvedAt: null,
        deniedAt: null,
        grantId: null,
        createdAt,
        expiresAt: createdAt + 10 * MINUTE,
        ...fields
    };
}

/** An undecided authorization request of frigg's, good for ten minutes. */
export function authorizationRequestRow(
    fields: Fields<OAuthAuthorizationRequest, 'oauthClientId'>
): OAuthAuthorizationRequest {
    const createdAt = fields.createdAt ?? START;
    return {
        id: createId(createdAt),
        accountId: FRIGG,
        redirectUri: 'https://app.example/cb',
        scope: 'openid',
        resource: null,
        state: null,
        nonce: null,
        codeChallenge: unique('challenge-'),
        shownScope: fields.scope ?? 'openid',
        authTime: null,
        decidedAt: null,
        grantId: null,
        createdAt,
        expiresAt: createdAt + 10 * MINUTE,
        ...fields
    };
}

/** An authorization code that has not been exchanged, good for ten minutes. */
export function authorizationCodeRow(fields: Fields<OAuthAuthorizationCode, 'oauthClientId'>): OAuthAuthorizationCode {
    const createdAt = fields.createdAt ?? START;
    return {
        id: createId(createdAt),
        codeHash: unique('hash-'),
        grantId: createId(createdAt),
        redirectUri: 'https://app.example/cb',
        scope: 'openid',
        nonce: null,
        codeChallenge: unique('challenge-'),
        createdAt,
        expiresAt: createdAt + 10 * MINUTE,
        ...fields
    };
}

/** An authorization request that was kept for a sign-in, good for 15 minutes. */
export function loginDetourRow(fields: Partial<OAuthLoginDetour> = {}): OAuthLoginDetour {
    const createdAt = fields.createdAt ?? START;
    return {
        id: createId(createdAt),
        keyHash: unique('hash-'),
        query: 'client_id=app',
        requestedFrom: unique('from-'),
        createdAt,
        expiresAt: createdAt + 15 * MINUTE,
        ...fields
    };
}

/** Inserts rows of one table, many in one statement. */
export async function insertRows<Row extends object>(
    dataSource: DataSource,
    entity: new () => Row,
    rows: Row[]
): Promise<void> {
    const { tableName, columns } = dataSource.getMetadata(entity);
    const names = columns.map(({ databaseName }) => databaseName).join(', ');
    const size = dataSource.options.type === 'sqljs' ? 50 : 2000;
    for (let at = 0; at < rows.length; at += size) {
        const part = rows.slice(at, at + size);
        const places = part.map(() => `(${columns.map(() => '?').join(', ')})`).join(', ');
        const values = part.flatMap((row) => columns.map((column) => column.getEntityValue(row) as unknown));
        const plain = values.map((value) => (typeof value === 'boolean' ? Number(value) : value));
        await dataSource.query(`INSERT INTO ${tableName} (${names}) VALUES ${places}`, plain);
    }
}

/**
 * Inserts many rows of other accounts and clients by one statement, so that it is a mistake to read all of the table.
 *
 * @param values SQL by column name, over the row's number `i`, from 1; a column that is not named gets what is unlike
 * that of any other row
 */
export async function fillTable(
    dataSource: DataSource,
    entity: EntityTarget<ObjectLiteral>,
    count: number,
    values: Record<string, string> = {}
): Promise<void> {
    const { tableName, columns } = dataSource.getMetadata(entity);
    const filled = columns.filter(
        ({ isNullable, databaseName }) => !isNullable || databaseName === 'account_id' || databaseName in values
    );
    await dataSource.query(
        `INSERT INTO ${tableName} (${filled.map(({ databaseName }) => databaseName).join(', ')})
        SELECT ${filled.map((column) => values[column.databaseName] ?? valueOf(column)).join(', ')}
        FROM (${numbersTo(count)}) numbers`
    );
    await dataSource.query(`ANALYZE TABLE ${tableName}`);
}

/** SQL for the numbers from 1, as `i`. */
function numbersTo(count: number): string {
    const digits = Array.from({ length: 10 }, (_, digit) => `SELECT ${digit} AS digit`).join(' UNION ALL ');
    const places = Array.from(String(count), (_, place) => place);
    const sum = places.map((place) => `d${place}.digit * ${10 ** place}`).join(' + ');
    return `SELECT 1 + ${sum} AS i FROM ${places.map((place) => `(${digits}) d${place}`).join(', ')} HAVING i <= ${count}`;
}

function valueOf(column: ColumnMetadata): string {
    if (column.isPrimary || column.referencedColumn) {
        return "CONCAT(LPAD(i, 19, '0'), 'g')";
    }
    switch (column.type) {
        case 'bigint':
            return `${START} + i`;
        case 'integer':
        case 'boolean':
            return '0';
        default:
            return column.databaseName === 'redirect_uris' ? "'[]'" : "CONCAT('a', i)";
    }
}

/** Inserts a client. */
export async function insertClient(dataSource: DataSource, fields: Partial<OAuthClient> = {}): Promise<OAuthClient> {
    const row = clientRow(fields);
    await insertRows(dataSource, OAuthClient, [row]);
    return row;
}
