import { invalidField, ManagementError } from '../errors/management-error';
import type { Account } from '../options/options';
import { covers, heldPermissions, isScope, isStandardScope, type ScopeRegistry } from '../scopes/registry';

/**
 * Checks that every scope in a client's `allowed_scopes` is known.
 *
 * @throws ManagementError 400
 */
export function checkScopes(registry: ScopeRegistry, scopes: readonly string[]): void {
    if (!scopes.every((name) => isScope(registry, name))) {
        throw invalidField(
            'allowed_scopes',
            'known',
            'A scope is unknown.',
            'Use the names that the discovery document lists under scopes_supported.'
        );
    }
}

/**
 * Checks that an account holds every permission in the `allowed_scopes` of a client: an account cannot give an
 * application what it does not have.
 *
 * @param owner the account that the client belongs to
 * @throws ManagementError 403
 */
export function checkHeld(registry: ScopeRegistry, owner: Account, scopes: readonly string[]): void {
    const held = heldPermissions(registry, owner.permissions);
    const missing = scopes.filter((name) => !isStandardScope(name) && !covers(registry, held, name));
    if (missing.length > 0) {
        throw new ManagementError(
            'forbidden',
            'The account does not hold every permission in allowed_scopes.',
            'Leave out the scopes that metadata names.',
            { field: 'allowed_scopes', rule: 'held', scopes: missing }
        );
    }
}
