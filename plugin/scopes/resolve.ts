import { covers, heldPermissions, isScope, isStandardScope, type ScopeRegistry } from './registry';

/** What a client may be given, and by which rule. */
export interface ScopeRule {
    /** `explicit`: what is asked for and allowed. `inherit`: where no permission is asked for, all that its user holds. */
    policy: 'explicit' | 'inherit';
    allowed: readonly string[];
}

/** What a request for scopes comes to. All lists are literal: the wildcard is never spelled out. */
export interface Resolution {
    granted: string[];
    /** True when the permissions come from the account instead of from the request. */
    inherits: boolean;
    /** Asked for and known, but not allowed to the client. */
    notAllowed: string[];
}

/** The first name in a request that the forum does not know. */
export function unknownScope(registry: ScopeRegistry, requested: readonly string[]): string | undefined {
    return requested.find((name) => !isScope(registry, name));
}

/** True when the client takes over its user's permissions for this request. */
export function inheritsPermissions({ policy }: ScopeRule, requested: readonly string[]): boolean {
    return policy === 'inherit' && requested.every(isStandardScope);
}

/**
 * What an account grants a client that asks for `requested`: requested ∩ allowed ∩ held, in the requested order. Where
 * the client inherits, the permissions are all that the account holds.
 *
 * @param requested known scopes
 * @param listed the permissions that the host lists for the account now
 */
export function resolveScope(
    registry: ScopeRegistry,
    rule: ScopeRule,
    requested: readonly string[],
    listed: readonly string[]
): Resolution {
    const held = heldPermissions(registry, listed);
    const notAllowed = requested.filter((name) => !covers(registry, rule.allowed, name));
    const granted = requested.filter(
        (name) => !notAllowed.includes(name) && (isStandardScope(name) || covers(registry, held, name))
    );
    const inherits = inheritsPermissions(rule, requested);
    return { granted: inherits ? [...granted, ...held] : granted, inherits, notAllowed };
}

/**
 * What is left of an earlier scope: with `explicit`, earlier ∩ allowed ∩ held; with `inherit`, earlier ∩ held. It never
 * widens: a promotion adds nothing, and a demoted administrator keeps the permissions that are left.
 *
 * @param earlier the scope of an earlier token, or one that was approved
 * @param listed the permissions that the host lists for the account now
 */
export function narrowScope(
    registry: ScopeRegistry,
    rule: ScopeRule,
    earlier: readonly string[],
    listed: readonly string[]
): string[] {
    const held = heldPermissions(registry, listed);
    const known = earlier.filter((name) => isScope(registry, name));
    if (rule.policy === 'inherit') {
        return meet(registry, known, held);
    }
    const allowed = known.filter((name) => !isStandardScope(name) || rule.allowed.includes(name));
    return meet(registry, meet(registry, allowed, rule.allowed), held);
}

/**
 * What is left of an approved scope when its code is exchanged: it is intersected once more with the client's allowed scopes
 * and the account's permissions. Inherited permissions are intersected with the account's only.
 */
export function narrowApproved(
    registry: ScopeRegistry,
    rule: ScopeRule,
    requested: readonly string[],
    approved: readonly string[],
    listed: readonly string[]
): string[] {
    if (!inheritsPermissions(rule, requested)) {
        return narrowScope(registry, { ...rule, policy: 'explicit' }, approved, listed);
    }
    return narrowScope(registry, rule, approved, listed).filter(
        (name) => !isStandardScope(name) || rule.allowed.includes(name)
    );
}

/**
 * What a client does as its owner (client credentials): the permissions that both share, or those of them that were
 * asked for. Standard scopes are left out: there is no user to tell of.
 */
export function shareScope(
    registry: ScopeRegistry,
    rule: ScopeRule,
    requested: readonly string[],
    listed: readonly string[]
): string[] {
    const held = heldPermissions(registry, listed);
    if (requested.length > 0) {
        return requested.filter(
            (name) => !isStandardScope(name) && covers(registry, rule.allowed, name) && covers(registry, held, name)
        );
    }
    if (rule.policy === 'inherit') {
        return held;
    }
    return meet(registry, heldPermissions(registry, rule.allowed), held);
}

/**
 * The intersection of a scope with a set of permissions, both of which the wildcard may stand in. The standard scopes
 * of the first stay. Where the first has the wildcard and the second has not, the second's permissions are what is left
 * of it.
 */
function meet(registry: ScopeRegistry, scope: readonly string[], may: readonly string[]): string[] {
    const kept = scope.filter((name) => isStandardScope(name) || covers(registry, may, name));
    if (!scope.includes(registry.administrator) || may.includes(registry.administrator)) {
        return kept;
    }
    return [...kept, ...registry.permissions.filter((name) => may.includes(name) && !kept.includes(name))];
}
