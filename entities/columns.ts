import type { ColumnOptions } from 'typeorm';

/**
 * Column definitions that several tables share.
 *
 * Times are epoch milliseconds in a `bigint`, so that neither the connection's `timezone` nor a change to summer time
 * can shift them. Drivers may hand a `bigint` back as a string, hence the transformer.
 */
const milliseconds = {
    to: (value: number | null | undefined): number | null | undefined => value,
    from: (value: string | number | null): number | null => (value === null ? null : Number(value))
};

/** A 20-character xid. */
export const ID = { type: 'varchar', length: 20 } as const;

/** An account's id, which is the host's to choose. */
export const ACCOUNT_ID: ColumnOptions = { type: 'varchar', length: 128 };

/** The identifier of a protected resource. */
export const RESOURCE: ColumnOptions = { type: 'varchar', length: 512, nullable: true };

/** A SHA-256 hash in base64url. */
export const HASH: ColumnOptions = { type: 'varchar', length: 43 };

export const TIME: ColumnOptions = { type: 'bigint', transformer: milliseconds };

export const OPTIONAL_TIME: ColumnOptions = { ...TIME, nullable: true };

/** The width, which TypeORM 0.3 compares and TypeORM 1 does not know, is the one that MySQL gives a boolean. */
export const BOOLEAN = { type: 'boolean', width: 1 } as const;

/** Space-separated names: scopes or grant types. */
export const NAMES: ColumnOptions = { type: 'text' };

/**
 * Byte-exact look-ups and any character in a name, whatever the host's database is set to. The embedded database
 * ignores it.
 */
export const ENGINE = 'InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin';
