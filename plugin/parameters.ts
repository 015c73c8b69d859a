import type { Context } from './context';
import { OAuthError } from './errors/oauth-error';
import type { Form } from './http/form';
import { unknownScope } from './scopes/resolve';
import { parseScope } from './scopes/text';

/** A parameter that the request must have. */
export function required(form: Form, name: string): string {
    const value = form.get(name);
    if (value === undefined) {
        throw OAuthError.invalidRequest(`The parameter ${name} is missing`);
    }
    return value;
}

/**
 * The `scope` parameter, every name of it known.
 *
 * @throws OAuthError `invalid_scope`
 */
export function requestedScope({ scopeRegistry }: Context, form: Form): string[] {
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
 * Checks the resource indicators (RFC 8707 §2): this server issues tokens for one audience.
 *
 * @throws OAuthError `invalid_target`
 */
export function checkResource({ settings }: Context, form: Form): void {
    const audience = withoutEmptyPath(settings.audience);
    if (form.getAll('resource').some((resource) => withoutEmptyPath(resource) !== audience)) {
        throw OAuthError.invalidTarget('This server issues tokens for its own audience only');
    }
}

/** `https://forum.example/` and `https://forum.example` are the same resource. */
function withoutEmptyPath(resource: string): string {
    return /^[a-z][a-z0-9+.-]*:\/\/[^/?#]+\/$/i.test(resource) ? resource.slice(0, -1) : resource;
}
