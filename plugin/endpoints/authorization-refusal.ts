import type { Request, ResponseObject, ResponseToolkit } from '@hapi/hapi';
import type { Context } from '../context';
import type { OAuthError } from '../errors/oauth-error';
import { promptOf } from '../flows/authorize';
import type { Form } from '../parameters';
import type { Client } from '../store/clients';
import { hasApproved } from '../store/grants';

/** What a browser says of a request from a frame (Fetch Metadata, `Sec-Fetch-Dest`). */
const FRAMES = new Set(['iframe', 'frame', 'embed', 'object', 'fencedframe']);

/** True for a request from a frame on another page. */
export function isFramed({ headers }: Request): boolean {
    return FRAMES.has(String(headers['sec-fetch-dest']));
}

/**
 * Whether an error of an authorization request goes to its redirect URI. Anybody can register a client, and would have the
 * forum redirect its members anywhere, and tell who is signed in (RFC 9700 §4.11.2). So an error goes to a client that the
 * forum vouches for, or that the account has approved before. To a frame, only a silent request is answered.
 */
export async function mayRedirectErrors(
    { database }: Context,
    request: Request,
    { form, client, accountId }: { form: Form; client: Client; accountId: string | null }
): Promise<boolean> {
    if (isFramed(request)) {
        return promptOf(form).includes('none');
    }
    const isKnown = client.verified || client.source === 'first_party' || client.source === 'administrator';
    return isKnown || (accountId !== null && (await hasApproved(database, accountId, client.id)));
}

/**
 * Shows an error in place of a redirect, with where it would have led.
 */
export async function showRefusal(
    context: Context,
    request: Request,
    h: ResponseToolkit,
    { error, location }: { error: OAuthError; location: string }
): Promise<ResponseObject> {
    const { headers, payload, statusCode } = error.output;
    const page = await context.pages.refusal?.(request, h, location);
    const response = page ?? h.response({ ...payload, location });
    response.code(statusCode >= 500 ? statusCode : 400);
    if (headers['retry-after'] !== undefined) {
        response.header('retry-after', String(headers['retry-after']));
    }
    return response;
}
