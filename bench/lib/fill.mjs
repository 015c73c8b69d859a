import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import mysql from 'mysql2/promise';
import { createDatabase } from './database.mjs';
import { createFamilyKey, createId, createRefreshToken } from './internals.mjs';

const DAY = 24 * 60 * 60 * 1000;
const LIFETIME = 30 * DAY;
/** As LOAD DATA reads it. */
const NULL = '\\N';
const SCOPE = 'openid profile offline_access CREATE_POST READ_PUBLISHED_THREADS CREATE_REACTION READ_PROFILE';

/** Rows are loaded in parts of this size, each sorted by id, as they would arrive over time. */
const PART = 200_000;

const INDEXES = [
    'UNIQUE INDEX idx_oauth_refresh_tokens_chain (grant_id, generation)',
    'INDEX idx_oauth_refresh_tokens_account (account_id, created_at, id)',
    'INDEX idx_oauth_refresh_tokens_client (oauth_client_id, created_at, id)',
    'INDEX idx_oauth_refresh_tokens_created (created_at, id)',
    'INDEX idx_oauth_refresh_tokens_retry (retry_until, id)'
];
const FOREIGN_KEY = {
    name: 'fk_oauth_refresh_tokens_grant',
    definition: 'FOREIGN KEY (grant_id) REFERENCES oauth_grants (id)'
};

/** Drops the secondary indexes of a table of refresh tokens: rows load faster without them. */
export function dropIndexes(connection, table) {
    const drops = INDEXES.map((index) => `DROP INDEX ${/INDEX (\w+)/.exec(index)[1]}`);
    return connection.query(`ALTER TABLE ${table} ${drops.join(', ')}`);
}

/** Builds the secondary indexes of a table of refresh tokens. */
export function addIndexes(connection, table) {
    return connection.query(`ALTER TABLE ${table} ${INDEXES.map((index) => `ADD ${index}`).join(', ')}`);
}

/** Half of the families have one token; a few of up to ten thousand tokens have most of the rows. */
function familySize() {
    const draw = Math.random();
    const between = (least, most) => least + Math.floor(Math.random() * (most - least + 1));
    if (draw < 0.5) {
        return 1;
    }
    if (draw < 0.8) {
        return between(2, 10);
    }
    if (draw < 0.95) {
        return between(11, 100);
    }
    return draw < 0.995 ? between(101, 1000) : between(1001, 10_000);
}

const random43 = () => randomBytes(33).toString('base64url').slice(0, 43);

/**
 * A token family, as rows of both tables.
 *
 * @param kind `revoked` or `expired`: for longer than a week; `recent`: revoked yesterday; `live`
 * @param size how many tokens
 * @param now epoch milliseconds
 * @param usable receives the token of a live family's head; without it the head has no token that anyone knows
 */
function family(kind, size, { now, clientId, usable }) {
    const head = {
        revoked: now - 8 * DAY - Math.random() * 20 * DAY,
        expired: now - LIFETIME - 8 * DAY - Math.random() * 20 * DAY,
        recent: now - 2 * DAY,
        live: now - Math.random() * 5 * DAY
    }[kind];
    // Short live families refreshed every quarter of an hour, so that they stay younger than what is removed.
    const step = kind === 'live' && size <= 100 ? 15 * 60 * 1000 : 60 * 60 * 1000;
    const at = (generation) => Math.floor(head - (size - 1 - generation) * step);
    const endedAt = { revoked: head + 1000, recent: now - DAY }[kind];

    const grantId = createId(at(0));
    const familyKey = createFamilyKey();
    const accountId = `account${Math.floor(Math.random() * 50_000)}`;
    const tokens = [];
    for (let generation = 0; generation < size; ++generation) {
        const createdAt = at(generation);
        let hash = random43();
        if (usable && kind === 'live' && generation === size - 1) {
            const token = createRefreshToken(familyKey, { grantId, generation });
            usable.push(token);
            hash = createHash('sha256').update(token).digest('base64url');
        }
        tokens.push([
            createId(createdAt),
            grantId,
            generation,
            accountId,
            clientId,
            hash,
            SCOPE,
            NULL,
            0,
            0,
            createdAt,
            createdAt + LIFETIME
        ]);
    }
    const grant = [
        grantId,
        clientId,
        accountId,
        SCOPE,
        familyKey,
        NULL,
        at(0),
        endedAt === undefined ? NULL : Math.floor(endedAt),
        endedAt === undefined ? NULL : 'revoked_by_account'
    ];
    return { grant, tokens };
}

function load(connection, table, rows) {
    rows.sort((one, other) => (one[0] < other[0] ? -1 : 1));
    const bytes = function* () {
        for (let index = 0; index < rows.length; index += 1000) {
            const lines = rows.slice(index, index + 1000).map((row) => `${row.join('\t')}\n`);
            yield Buffer.from(lines.join(''));
        }
    };
    return connection.query({
        sql: `LOAD DATA LOCAL INFILE 'rows' INTO TABLE ${table}`,
        infileStreamFactory: () => Readable.from(bytes())
    });
}

/** Inserts the built-in client, also into the tables of the first version, which `compare` measures beside today's. */
async function insertClient(connection, id, createdAt) {
    const [columns] = await connection.query('SHOW COLUMNS FROM oauth_clients');
    const isFirstVersion = columns.some(({ Field }) => Field === 'first_party');
    await connection.query('INSERT INTO oauth_clients SET ?', {
        id,
        client_id: 'storyden-cli',
        name: 'Storyden',
        type: 'public',
        scope_policy: 'inherit',
        ...(isFirstVersion ? { first_party: 1 } : { source: 'first_party', verified: 1, status: 'active' }),
        redirect_uris: '[]',
        allowed_scopes: 'openid profile offline_access',
        allowed_grants: 'urn:ietf:params:oauth:grant-type:device_code refresh_token',
        created_at: createdAt,
        updated_at: createdAt
    });
}

/**
 * Writes token families in bulk until the table has `count` refresh tokens: LOAD DATA without secondary indexes, which
 * are built afterwards.
 *
 * @param url of an empty database with the plugin's tables
 * @param dead share of the tokens whose families were revoked or expired more than a week ago
 * @param usable how many live families end in a real token
 * @returns counts, and the usable tokens
 */
export async function fill(url, count, { dead = 0.7, usable = 0, now = Date.now() } = {}) {
    const connection = await mysql.createConnection({ uri: url, flags: ['+LOCAL_FILES'] });
    const clientId = createId(now - 400 * DAY);
    await insertClient(connection, clientId, now - 400 * DAY);
    for (const statement of ['unique_checks = 0', 'foreign_key_checks = 0', 'sql_log_bin = 0']) {
        await connection.query(`SET SESSION ${statement}`);
    }
    await connection.query(`ALTER TABLE oauth_refresh_tokens DROP FOREIGN KEY ${FOREIGN_KEY.name}`);
    await dropIndexes(connection, 'oauth_refresh_tokens');

    const counts = { revoked: 0, expired: 0, recent: 0, live: 0, grants: 0, deadGrants: 0 };
    const issued = [];
    let grants = [];
    let tokens = [];
    const flush = async () => {
        await load(connection, 'oauth_grants', grants);
        await load(connection, 'oauth_refresh_tokens', tokens);
        grants = [];
        tokens = [];
    };
    for (let written = 0; written < count;) {
        const isDead = counts.revoked + counts.expired < dead * written || (written === 0 && dead > 0);
        const kind = isDead ? (Math.random() < 0.5 ? 'revoked' : 'expired') : Math.random() < 0.1 ? 'recent' : 'live';
        const needsUsable = issued.length < usable;
        // Live families have one token until there are enough usable ones.
        const wanted = kind === 'live' && needsUsable ? 1 : familySize();
        const size = Math.min(wanted, count - written);
        const rows = family(kind, size, { now, clientId, usable: needsUsable ? issued : undefined });
        grants.push(rows.grant);
        tokens.push(...rows.tokens);
        written += size;
        counts[kind] += size;
        counts.grants += 1;
        counts.deadGrants += isDead ? 1 : 0;
        if (tokens.length >= PART) {
            await flush();
        }
    }
    await flush();
    await addIndexes(connection, 'oauth_refresh_tokens');
    await connection.query(
        `ALTER TABLE oauth_refresh_tokens ADD CONSTRAINT ${FOREIGN_KEY.name} ${FOREIGN_KEY.definition}`
    );
    await connection.query('ANALYZE TABLE oauth_refresh_tokens, oauth_grants');
    await connection.end();
    return { ...counts, usable: issued };
}

/** Creates a filled database with exactly `wanted` usable tokens: one large family can take most of a small table. */
export async function fillWith(server, rows, wanted) {
    for (;;) {
        const url = await createDatabase(server.database);
        const { usable } = await fill(url, rows, { dead: 0.2, usable: wanted });
        if (usable.length === wanted) {
            return { url, usable };
        }
    }
}
