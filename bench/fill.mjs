// Writes refresh chains in bulk: LOAD DATA into tables without their secondary indexes, which are built afterwards.
//
// node fill.mjs <database url> <refresh tokens> [share of dead tokens, 0.7]

import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import mysql from 'mysql2/promise';
import { createId } from './dist/plugin/ids.js';
import { createChainKey, createRefreshToken } from './dist/plugin/tokens/refresh-token.js';
import { hashSecret } from './dist/plugin/tokens/secret.js';

const DAY = 24 * 60 * 60 * 1000;
const LIFETIME = 30 * DAY;
const SCOPE = 'openid profile offline_access CREATE_POST READ_PUBLISHED_THREADS CREATE_REACTION READ_PROFILE';

/** Rows are sorted by their ids within such a part, as they would come in time. */
const PART = 200_000;

export const SECONDARY = {
    oauth_refresh_tokens: [
        'UNIQUE INDEX idx_oauth_refresh_tokens_chain (grant_id, generation)',
        'INDEX idx_oauth_refresh_tokens_account (account_id, created_at, id)',
        'INDEX idx_oauth_refresh_tokens_client (oauth_client_id, created_at, id)',
        'INDEX idx_oauth_refresh_tokens_created (created_at, id)',
        'INDEX idx_oauth_refresh_tokens_retry (retry_until, id)'
    ]
};
const KEY = {
    name: 'fk_oauth_refresh_tokens_grant',
    definition: 'FOREIGN KEY (grant_id) REFERENCES oauth_grants (id)'
};

/** Mostly short chains; a few of up to ten thousand tokens hold most of the rows. */
function chainLength() {
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
 * One chain, as rows of both tables.
 *
 * @param kind `ended` or `expired`: dead for longer than a week; `recent`: dead since yesterday; `live`
 */
function chain(kind, length, now, clientId, issued) {
    const head = {
        ended: now - 8 * DAY - Math.random() * 20 * DAY,
        expired: now - LIFETIME - 8 * DAY - Math.random() * 20 * DAY,
        recent: now - 2 * DAY,
        live: now - Math.random() * 5 * DAY
    }[kind];
    // A client of hours refreshes every quarter of an hour; dead rows stay older than living ones.
    const step = kind === 'live' && length <= 100 ? 15 * 60 * 1000 : 60 * 60 * 1000;
    const at = (generation) => Math.floor(head - (length - 1 - generation) * step);
    const endedAt = { ended: head + 1000, recent: now - DAY }[kind];

    const grantId = createId(at(0));
    const chainKey = createChainKey();
    const accountId = `account${Math.floor(Math.random() * 50_000)}`;
    const tokens = [];
    for (let generation = 0; generation < length; ++generation) {
        const createdAt = at(generation);
        let hash;
        if (kind === 'live' && generation === length - 1 && issued) {
            const token = createRefreshToken(chainKey, { grantId, generation });
            issued.push(token);
            hash = hashSecret(token);
        }
        tokens.push([
            createId(createdAt),
            grantId,
            generation,
            accountId,
            clientId,
            hash ?? random43(),
            SCOPE,
            '\\N',
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
        chainKey,
        '\\N',
        at(0),
        endedAt === undefined ? '\\N' : Math.floor(endedAt),
        endedAt === undefined ? '\\N' : 'revoked_by_account'
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

/**
 * Fills the tables until they have `count` refresh tokens.
 *
 * @param url of an empty database with the plugin's tables
 * @param dead the share of tokens in chains that have been dead for longer than a week
 * @param usable how many live chains' heads are real tokens, which are returned
 * @returns counts, and the usable tokens
 */
export async function fill(url, count, { dead = 0.7, usable = 0, now = Date.now() } = {}) {
    const connection = await mysql.createConnection({ uri: url, flags: ['+LOCAL_FILES'] });
    const clientId = createId(now - 400 * DAY);
    await connection.query(
        `INSERT INTO oauth_clients (id, client_id, name, type, scope_policy, first_party, redirect_uris, allowed_scopes,
            allowed_grants, created_at, updated_at) VALUES (?, 'storyden-cli', 'Storyden', 'public', 'inherit', 1, '[]',
            'openid profile offline_access',
            'urn:ietf:params:oauth:grant-type:device_code refresh_token', ?, ?)`,
        [clientId, now - 400 * DAY, now - 400 * DAY]
    );
    for (const statement of ['unique_checks = 0', 'foreign_key_checks = 0', 'sql_log_bin = 0']) {
        await connection.query(`SET SESSION ${statement}`);
    }
    await connection.query(`ALTER TABLE oauth_refresh_tokens DROP FOREIGN KEY ${KEY.name}`);
    for (const definition of SECONDARY.oauth_refresh_tokens) {
        const [, name] = /INDEX (\w+)/.exec(definition);
        await connection.query(`ALTER TABLE oauth_refresh_tokens DROP INDEX ${name}`);
    }

    const counts = { ended: 0, expired: 0, recent: 0, live: 0, grants: 0, deadGrants: 0 };
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
        const isDead = counts.ended + counts.expired < dead * written || (written === 0 && dead > 0);
        const kind = isDead ? (Math.random() < 0.5 ? 'ended' : 'expired') : Math.random() < 0.1 ? 'recent' : 'live';
        // Until there are enough usable tokens, live chains are short.
        const wanted = kind === 'live' && issued.length < usable ? 1 : chainLength();
        const length = Math.min(wanted, count - written);
        const rows = chain(kind, length, now, clientId, issued.length < usable ? issued : undefined);
        grants.push(rows.grant);
        tokens.push(...rows.tokens);
        written += length;
        counts[kind] += length;
        counts.grants += 1;
        counts.deadGrants += isDead ? 1 : 0;
        if (tokens.length >= PART) {
            await flush();
        }
    }
    await flush();
    await connection.query(
        `ALTER TABLE oauth_refresh_tokens ${SECONDARY.oauth_refresh_tokens.map((index) => `ADD ${index}`).join(', ')}`
    );
    await connection.query(`ALTER TABLE oauth_refresh_tokens ADD CONSTRAINT ${KEY.name} ${KEY.definition}`);
    await connection.query('ANALYZE TABLE oauth_refresh_tokens, oauth_grants');
    await connection.end();
    return { ...counts, usable: issued };
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
    const [url, count, dead = '0.7'] = process.argv.slice(2);
    const { usable: _usable, ...counts } = await fill(url, Number(count), { dead: Number(dead) });
    console.log(counts);
}
