import type { DataSource } from 'typeorm';
import { FAILURE_WINDOW } from '../plugin/store/user-code-failures';
import { removeOlder, Cleanup, type SweepOptions } from './cleanup';

/** For so long after its time a code is still known, milliseconds: a late poll hears why, a late replay is noticed. */
export const GRACE = 60 * 60 * 1000;

/** What a run of `expire-device-codes` removed. */
export interface ExpiredCounts {
    device_authorizations: number;
    authorization_requests: number;
    authorization_codes: number;
    user_code_failures: number;
}

/** Removes device codes, authorization requests, authorization codes and wrong user codes whose time has passed. */
export async function expireDeviceCodes(dataSource: DataSource, options: SweepOptions = {}): Promise<ExpiredCounts> {
    const sweep = new Cleanup(dataSource, options);
    const expired = { column: 'expires_at', before: sweep.now - GRACE };
    return {
        device_authorizations: await removeOlder(sweep, { table: 'oauth_device_authorizations', ...expired }),
        authorization_requests: await removeOlder(sweep, { table: 'oauth_authorization_requests', ...expired }),
        authorization_codes: await removeOlder(sweep, { table: 'oauth_authorization_codes', ...expired }),
        user_code_failures: await removeOlder(sweep, {
            table: 'oauth_user_code_failures',
            column: 'created_at',
            before: sweep.now - FAILURE_WINDOW
        })
    };
}
