import { covers, heldPermissions, isScope, isStandardScope, type Vocabulary } from './vocabulary';

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
export function unknownScope(vocabulary: Vocabulary, requested: readonly string[]): string | undefined {
    return requested.find((name) => !isScope(vocabulary, name));
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
    vocabulary: Vocabulary,
    rule: ScopeRule,
    requested: readonly string[],
    listed: readonly string[]
): Resolution {
    const held = heldPermissions(vocabulary, listed);
    const notAllowed = requested.filter((name) => !covers(vocabulary, rule.allowed, name));
    const granted = requested.filter(
        (name) => !notAllowed.includes(name) && (isStandardScope(name) || covers(vocabulary, held, name))
    );
    const inherits = inheritsPermissions(rule, requested);
    return { granted: inherits ? [...granted, ...held] : granted, inherits, notAllowed };
}

/**
 * What is left of an earlier scope: with `explicit`, earlier ∩ allowed ∩ held; with `inherit`, earlier ∩ held. It never
 * widens: a promotion adds nothing, and a demoted administrator keeps what he still holds.
 *
 * @param earlier the scope of an earlier token, or one that was approved
 * @param listed the permissions that the host lists for the account now
 */
export function narrowScope(
    vocabulary: Vocabulary,
    rule: ScopeRule,
    earlier: readonly string[],
    listed: readonly string[]
): string[] {
    const held = heldPermissions(vocabulary, listed);
    const known = earlier.filter((name) => isScope(vocabulary, name));
    if (rule.policy === 'inherit') {
        return meet(vocabulary, known, held);
    }
    const allowed = known.filter((name) => !isStandardScope(name) || rule.allowed.includes(name));
    return meet(vocabulary, meet(vocabulary, allowed, rule.allowed), held);
}

/**
 * What is left of an approved scope when its code is exchanged: it is held once more against the client's allowed scopes
 * and the account's permissions. Permissions that came from the account are held against the account only.
 */
export function narrowApproved(
    vocabulary: Vocabulary,
    rule: ScopeRule,
    requested: readonly string[],
    approved: readonly string[],
    listed: readonly string[]
): string[] {
    if (!inheritsPermissions(rule, requested)) {
        return narrowScope(vocabulary, { ...rule, policy: 'explicit' }, approved, listed);
    }
    return narrowScope(vocabulary, rule, approved, listed).filter(
        (name) => !isStandardScope(name) || rule.allowed.includes(name)
    );
}

/**
 * What a client does as its owner (client credentials): the permissions that both share, or those of them that were
 * asked for. Standard scopes are left out: there is no user to tell of.
 */
export function shareScope(
    vocabulary: Vocabulary,
    rule: ScopeRule,
    requested: readonly string[],
    listed: readonly string[]
): string[] {
    const held = heldPermissions(vocabulary, listed);
    if (requested.length > 0) {
        return requested.filter(
            (name) => !isStandardScope(name) && covers(vocabulary, rule.allowed, name) && covers(vocabulary, held, name)
        );
    }
    if (rule.policy === 'inherit') {
        return held;
    }
    return meet(vocabulary, heldPermissions(vocabulary, rule.allowed), held);
}

/**
 * The intersection of a scope with a set of permissions, both of which the wildcard may stand in. The standard scopes
 * of the first stay. Where the first has the wildcard and the second has not, the second's permissions are what is left
 * of it.
 */
function meet(vocabulary: Vocabulary, scope: readonly string[], may: readonly string[]): string[] {
    const kept = scope.filter((name) => isStandardScope(name) || covers(vocabulary, may, name));
    if (!scope.includes(vocabulary.administrator) || may.includes(vocabulary.administrator)) {
        return kept;
    }
    return [...kept, ...vocabulary.permissions.filter((name) => may.includes(name) && !kept.includes(name))];
}
