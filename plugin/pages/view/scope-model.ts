import { isStandardScope } from '../../scopes/registry';
import type { PagesContext } from '../pages-context';
import { nameInWords, type PermissionText } from '../permission-texts';

/** A scope as a page shows it. */
export interface ScopeModel extends PermissionText {
    /** Its name in tokens. */
    scope: string;
}

export function scopeModel({ settings }: PagesContext, scope: string): ScopeModel {
    // `hasOwn`, because a permission may be called `constructor`.
    const text = Object.hasOwn(settings.permissions, scope) ? settings.permissions[scope] : undefined;
    return { scope, ...(text ?? { name: nameInWords(scope), sentence: '' }) };
}

/** The standard scopes first: who the member is, then what the application may do. */
export function standardFirst(scopes: readonly string[]): string[] {
    return [...scopes.filter(isStandardScope), ...scopes.filter((scope) => !isStandardScope(scope))];
}
