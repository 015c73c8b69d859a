import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { UsageError } from './usage-error';

/** How the command connects to the database: options of TypeORM's `mysql` driver. */
export interface DatabaseSettings {
    type: 'mysql';
    host: string;
    port: number;
    username: string;
    password: string;
    database: string;
    ssl?: { ca?: string; rejectUnauthorized: boolean; verifyIdentity: boolean };
}

const EXAMPLE = 'mysql://user:password@host/database';

/** What a database URL may have in its query. */
const PARAMETERS = new Set(['ssl', 'ssl-ca']);

/**
 * Reads a database URL. What it cannot do, it refuses, so that nothing in the URL is silently ignored.
 *
 * @throws UsageError
 */
export function readDatabaseUrl(text: string | undefined): DatabaseSettings {
    const url = text !== undefined && URL.canParse(text) ? new URL(text) : null;
    if (!url || url.hostname === '' || url.pathname.length < 2) {
        throw new UsageError(`Set a database with --database-url or DATABASE_URL, as ${EXAMPLE}`);
    }
    if (url.protocol !== 'mysql:' && url.protocol !== 'mariadb:') {
        throw new UsageError(`The database must be MySQL or MariaDB, as ${EXAMPLE}, but got ${url.protocol}//`);
    }
    const unknown = [...url.searchParams.keys()].find((name) => !PARAMETERS.has(name));
    if (unknown !== undefined) {
        throw new UsageError(
            `The database URL has the parameter ${unknown}; it can have ${[...PARAMETERS].join(', ')}`
        );
    }
    // An IPv6 address is in brackets in a URL only.
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
    const ssl = readSsl(host, url.searchParams);
    return {
        type: 'mysql',
        host,
        port: url.port === '' ? 3306 : Number(url.port),
        username: decodeURIComponent(url.username),
        password: decodeURIComponent(url.password),
        database: decodeURIComponent(url.pathname.slice(1)),
        ...(ssl && { ssl })
    };
}

function readSsl(host: string, parameters: URLSearchParams): DatabaseSettings['ssl'] {
    const ssl = parameters.get('ssl');
    const file = parameters.get('ssl-ca');
    if (ssl !== null && ssl !== 'true' && ssl !== 'false') {
        throw new UsageError(`ssl in the database URL must be true or false, but got ${ssl}`);
    }
    if (file !== null && ssl === 'false') {
        throw new UsageError('The database URL has ssl-ca, but ssl=false');
    }
    if (file === null && ssl !== 'true') {
        return undefined;
    }
    // The driver cannot compare an address with the certificate, and public authorities certify anyone.
    const isNamed = isIP(host) === 0;
    if (file === null && !isNamed) {
        throw new UsageError('With ssl=true, write the host of the database as a name, or add its authority as ssl-ca');
    }
    return { ...(file !== null && { ca: readAuthority(file) }), rejectUnauthorized: true, verifyIdentity: isNamed };
}

function readAuthority(file: string): string {
    try {
        return readFileSync(file, 'utf8');
    } catch (error) {
        throw new UsageError(`ssl-ca in the database URL cannot be read: ${(error as NodeJS.ErrnoException).code}`);
    }
}
