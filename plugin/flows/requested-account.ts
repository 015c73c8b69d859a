import Bourne from '@hapi/bourne';
import type { Context } from '../context';
import { OAuthError } from '../errors/oauth-error';
import type { Account } from '../options/options';
import type { Form } from '../parameters';
import { readIdTokenHint } from '../tokens/id-token';

/** More than a `claims` parameter that names an account has. */
const MAX_CLAIMS = 4096;

/**
 * Checks that a request is for the account that is signed in, where it names one: by `id_token_hint` (OpenID Connect Core
 * §3.1.2.1) or by a `sub` in `claims` (§5.5.1).
 *
 * @throws OAuthError `login_required` for another account, `invalid_request` for a malformed parameter
 */
export async function requireRequestedAccount(context: Context, { id }: Account, form: Form): Promise<void> {
    const hint = form.get('id_token_hint');
    const subjects = subjectsOf(form.get('claims'));
    if (hint !== undefined) {
        const subject = await readIdTokenHint(context, hint);
        if (subject === null) {
            throw OAuthError.invalidRequest('The id_token_hint is not an ID token of this server');
        }
        subjects.push([subject]);
    }
    if (subjects.some((accepted) => !accepted.includes(id))) {
        throw OAuthError.loginRequired('The request is for another account than the one that is signed in');
    }
}

/** The accounts that each `sub` of a `claims` parameter accepts. */
function subjectsOf(claims: string | undefined): unknown[][] {
    const parsed = claims === undefined ? {} : parseClaims(claims);
    return ['id_token', 'userinfo'].flatMap((place) => {
        const { value, values } = objectIn(objectIn(parsed, place), 'sub');
        const lists = [value === undefined ? [] : [[value]], Array.isArray(values) ? [values as unknown[]] : []];
        return lists.flat();
    });
}

function parseClaims(text: string): object {
    try {
        const parsed: unknown = text.length > MAX_CLAIMS ? null : Bourne.parse(text);
        if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) {
            return parsed;
        }
    } catch {
        // Told below.
    }
    throw OAuthError.invalidRequest(`The claims must be a JSON object of at most ${MAX_CLAIMS} characters`);
}

/** A member of an object that is an object itself; an empty one in place of anything else. */
function objectIn(object: Record<string, unknown> | object, name: string): Record<string, unknown> {
    const value = (object as Record<string, unknown>)[name];
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
