/** The scopes of OpenID Connect that the plugin knows (Core §5.4, §11). */
export const STANDARD_SCOPES = ['openid', 'profile', 'email', 'offline_access'] as const;

const standard: ReadonlySet<string> = new Set(STANDARD_SCOPES);

/** The scope tokens of one forum: the standard scopes and every permission name. */
export interface ScopeRegistry {
    /** Every permission, in the order in which inherited ones are written. */
    readonly permissions: readonly string[];
    /** The permission that stands for all permissions in a set of what an account or client may do. */
    readonly administrator: string;
}

export function isStandardScope(name: string): boolean {
    return standard.has(name);
}

export function isPermission(registry: ScopeRegistry, name: string): boolean {
    return registry.permissions.includes(name);
}

/** True for what may stand in a `scope` parameter or a client's allowed scopes. */
export function isScope(registry: ScopeRegistry, name: string): boolean {
    return isStandardScope(name) || isPermission(registry, name);
}

/** True when a set of what an account or client may do has the name in it, by itself or through the wildcard. */
export function covers(registry: ScopeRegistry, may: readonly string[], name: string): boolean {
    return may.includes(name) || (!isStandardScope(name) && may.includes(registry.administrator));
}

/** The known permissions among those that the host lists for an account, once each, in the registry's order. */
export function heldPermissions(registry: ScopeRegistry, listed: readonly string[]): string[] {
    const held = new Set(listed);
    return registry.permissions.filter((name) => held.has(name));
}

/** The standard scopes and permissions that a literal scope stands for, with the wildcard spelled out. */
export function expand(registry: ScopeRegistry, scope: readonly string[]): string[] {
    if (!scope.includes(registry.administrator)) {
        return [...scope];
    }
    return [...scope.filter(isStandardScope), ...registry.permissions];
}

/** True when an account whose permissions the host lists has one of them, by itself or through the wildcard. */
export function holds(registry: ScopeRegistry, listed: readonly string[], permission: string): boolean {
    return listed.includes(permission) || listed.includes(registry.administrator);
}
