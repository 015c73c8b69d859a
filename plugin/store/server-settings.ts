import type { Database } from './database';

interface Row {
    sql_mode: string;
    charset: string;
    autocommit: number | string;
    version: string;
}

/** The variables of a cluster that replicates by wsrep (Galera). */
const CLUSTER = "SHOW SESSION VARIABLES WHERE Variable_name IN ('wsrep_on', 'wsrep_sync_wait')";

/**
 * Reads how the database server treats the plugin's connections. On a Galera cluster with MariaDB, statements wait for
 * what other nodes have confirmed from then on.
 *
 * @returns what weakens a promise, for the log
 * @throws Error for a setting under which nothing can be safe
 */
export async function checkServerSettings(database: Database): Promise<string[]> {
    const [row] = await database.query<Row>(
        `SELECT @@SESSION.sql_mode AS sql_mode, @@SESSION.character_set_client AS charset,
            @@SESSION.autocommit AS autocommit, @@VERSION AS version`
    );
    const { sql_mode: mode, charset, autocommit, version } = row!;
    if (mode.split(',').includes('NO_BACKSLASH_ESCAPES')) {
        // The driver escapes quotes by backslashes.
        throw unsafe(
            'sql_mode has NO_BACKSLASH_ESCAPES, so that values can end their quotes',
            'remove it from sql_mode'
        );
    }
    if (!charset.startsWith('utf8')) {
        // The driver escapes before it encodes, and a character of two bytes may lose one that becomes a quote.
        throw unsafe(
            `character_set_client is ${charset}, so that values can end their quotes`,
            "set charset: 'utf8mb4'"
        );
    }
    if (Number(autocommit) !== 1) {
        throw unsafe('autocommit is off, so that changes are never committed', 'set autocommit = 1, see init_connect');
    }
    return [
        ...(charset === 'utf8mb4' ? [] : [`character_set_client is ${charset}: names with emoji are refused`]),
        ...(await checkCluster(database, version))
    ];
}

async function checkCluster(database: Database, version: string): Promise<string[]> {
    const rows = await database.query<{ Variable_name: string; Value: string }>(CLUSTER);
    const variables = new Map(rows.map(({ Variable_name: name, Value: value }) => [name, value]));
    if (variables.get('wsrep_on') !== 'ON') {
        return [];
    }
    if (version.includes('MariaDB')) {
        database.followCluster();
        return [];
    }
    return Number(variables.get('wsrep_sync_wait')) === 7
        ? []
        : ['wsrep_sync_wait is not 7: a revocation may not be seen by other nodes at once'];
}

function unsafe(what: string, remedy: string): Error {
    return new Error(`hapi-forum-oauth: the database cannot be used safely: ${what}. To mend it, ${remedy}`);
}
