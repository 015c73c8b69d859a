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
 * The scopes that the `scope` parameter names, all of them known (RFC 6749 §3.3).
 *
 * @throws OAuthError `invalid_scope`
 */
export function requestedScope({ scopeRegistry }: Pick<Context, 'scopeRegistry'>, form: Form): string[] {
    const scope = parseScope(form.get('scope'));
    if (!scope) {
        throw OAuthError.invalidScope('The scope has characters that no scope name has');
    }
    if (unknownScope(scopeRegistry, scope) !== undefined) {
        throw OAuthError.invalidScope('The scope has a name that this server does not know');
    }
    return scope;
}

/**
 * Checks the resource indicators (RFC 8707 §2). This server issues tokens for one audience.
 *
 * @throws OAuthError `invalid_target`
 */
export function checkResource({ settings }: Pick<Context, 'settings'>, form: Form): void {
    const audience = withoutEmptyPath(settings.audience);
    if (form.getAll('resource').some((resource) => withoutEmptyPath(resource) !== audience)) {
        throw OAuthError.invalidTarget('This server issues tokens for its own audience only');
    }
}

/** `https://forum.example/` and `https://forum.example` are the same resource. */
function withoutEmptyPath(resource: string): string {
    return /^[a-z][a-z0-9+.-]*:\/\/[^/?#]+\/$/i.test(resource) ? resource.slice(0, -1) : resource;
}
