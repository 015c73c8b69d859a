import type { DataSource } from 'typeorm';
import { FAILURE_WINDOW } from '../plugin/store/user-code-failures';
import { Cleanup } from './cleanup/cleanup';
import type { SweepOptions } from './cleanup/options';
import { removeOlder } from './cleanup/remove-older';

/**
 * How long an expired code is kept, milliseconds: a late poll is told that its code has expired, and a late replay is
 * noticed.
 */
export const GRACE = 60 * 60 * 1000;

/** How many rows a run of `expire-device-codes` removed. */
export interface ExpiredCounts {
    device_authorizations: number;
    authorization_requests: number;
    authorization_codes: number;
    user_code_failures: number;
    login_detours: number;
}

/**
 * Removes device codes, authorization requests, authorization codes, wrong user codes and requests that were kept for a
 * sign-in, whose time has passed.
 */
export async function expireDeviceCodes(dataSource: DataSource, options: SweepOptions = {}): Promise<ExpiredCounts> {
    const cleanup = new Cleanup(dataSource, options);
    const expired = { column: 'expires_at', before: cleanup.now - GRACE } as const;
    return {
        device_authorizations: await removeOlder(cleanup, { table: 'oauth_device_authorizations', ...expired }),
        authorization_requests: await removeOlder(cleanup, { table: 'oauth_authorization_requests', ...expired }),
        authorization_codes: await removeOlder(cleanup, { table: 'oauth_authorization_codes', ...expired }),
        user_code_failures: await removeOlder(cleanup, {
            table: 'oauth_user_code_failures',
            column: 'created_at',
            before: cleanup.now - FAILURE_WINDOW
        }),
        login_detours: await removeOlder(cleanup, {
            table: 'oauth_login_detours',
            column: 'expires_at',
            before: cleanup.now
        })
    };
}
