import type { Context } from './context';
import { OAuthError } from './errors/oauth-error';
import { unknownScope } from './scopes/resolve';
import { parseScope } from './scopes/text';

/** The parameters of a form or a query (RFC 6749 Appendix B). Empty ones are left out. */
export interface Form {
    /** The value of a parameter; where it is repeated, the first. */
    get(this: void, name: string): string | undefined;
    /** Every value of a parameter that may repeat. */
    getAll(this: void, name: string): string[];
    /** True for a parameter that is given more than once and may not be (RFC 6749 §3.1). */
    isRepeated(this: void, name: string): boolean;
    /** The names of all parameters that are given. */
    names: string[];
}

/**
 * A parameter that the request must have.
 *
 * @throws OAuthError `invalid_request`
 */
export function required(form: Form, name: string): string {
    const value = form.get(name);
    if (value === undefined) {
        throw OAuthError.invalidRequest(`The parameter ${name} is missing`);
    }
    return value;
}

/**
 * The scopes that the `scope` parameter names (RFC 6749 §3.3). Unknown ones are refused, or with `unknownScopes: 'ignore'` left
 * out, as long as something known is left.
 *
 * @throws OAuthError `invalid_scope`
 */
export function requestedScope(
    { scopeRegistry, settings }: Pick<Context, 'scopeRegistry' | 'settings'>,
    form: Form
): string[] {
    const scope = parseScope(form.get('scope'));
    if (!scope) {
        throw OAuthError.invalidScope('The scope has characters that no scope name has');
    }
    const known =
        settings.unknownScopes === 'ignore'
            ? scope.filter((name) => unknownScope(scopeRegistry, [name]) === undefined)
            : scope;
    if (unknownScope(scopeRegistry, known) !== undefined || (scope.length > 0 && known.length === 0)) {
        throw OAuthError.invalidScope('The scope has a name that this server does not know');
    }
    return known;
}
