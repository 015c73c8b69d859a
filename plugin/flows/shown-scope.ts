import type { Context } from '../context';
import type { Account } from '../options/options';
import { narrowApproved } from '../scopes/resolve';
import type { Client } from '../store/clients';

/**
 * What is still shown of a request for consent, and at most granted: what was shown at first, less what client or account
 * have lost since. It never grows, so an approval cannot exceed what its person saw.
 */
export function stillShown(
    { scopeRegistry }: Context,
    { client, requested }: { client: Client; requested: readonly string[] },
    shown: readonly string[],
    account: Account
): string[] {
    return narrowApproved(scopeRegistry, client, requested, shown, account.permissions);
}
