/** The scopes of OpenID Connect that the plugin knows (Core §5.4, §11). */
export const STANDARD_SCOPES = ['openid', 'profile', 'email', 'offline_access'] as const;

const standard: ReadonlySet<string> = new Set(STANDARD_SCOPES);

/** The scope tokens of one forum: the standard scopes and every permission name. */
export interface Vocabulary {
    /** Every permission, in the order in which inherited ones are written. */
    readonly permissions: readonly string[];
    /** The permission that stands for all permissions where a set says what somebody may do. */
    readonly administrator: string;
}

export function isStandardScope(name: string): boolean {
    return standard.has(name);
}

export function isPermission(vocabulary: Vocabulary, name: string): boolean {
    return vocabulary.permissions.includes(name);
}

/** True for what may stand in a `scope` parameter or a client's allowed scopes. */
export function isScope(vocabulary: Vocabulary, name: string): boolean {
    return isStandardScope(name) || isPermission(vocabulary, name);
}

/** True when a set of what somebody may do has the name in it, by itself or through the wildcard. */
export function covers(vocabulary: Vocabulary, may: readonly string[], name: string): boolean {
    return may.includes(name) || (!isStandardScope(name) && may.includes(vocabulary.administrator));
}

/** The known permissions among those that the host lists for an account, once each, in the vocabulary's order. */
export function heldPermissions(vocabulary: Vocabulary, listed: readonly string[]): string[] {
    const held = new Set(listed);
    return vocabulary.permissions.filter((name) => held.has(name));
}

/** The standard scopes and permissions that a literal scope stands for, with the wildcard spelled out. */
export function expand(vocabulary: Vocabulary, scope: readonly string[]): string[] {
    if (!scope.includes(vocabulary.administrator)) {
        return [...scope];
    }
    return [...scope.filter(isStandardScope), ...vocabulary.permissions];
}

/** True when an account whose permissions the host lists has one of them, by itself or through the wildcard. */
export function holds(vocabulary: Vocabulary, listed: readonly string[], permission: string): boolean {
    return listed.includes(permission) || listed.includes(vocabulary.administrator);
}
