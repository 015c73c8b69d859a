import type { ResponseObject } from '@hapi/hapi';
import { OAuthError } from '../../errors/oauth-error';
import { askAuthorizationConsent, decideAuthorizationConsent } from '../../flows/authorization-consent';
import { mayAuthorize } from '../../policy';
import { PageError } from '../request/page-error';
import type { Visit } from '../request/visit';
import { redirectModel } from '../view/redirect-model';
import { checkMayAuthorize, consentModel, readDecision } from './model';

/** GET: what the application requests that sent the browser here (RFC 6749 §4.1.1). */
export async function showAuthorization(visit: Visit): Promise<ResponseObject> {
    const { account, pages, query, view } = visit;
    const { strings } = pages.settings;
    const requestId = query.get('request_id') ?? '';
    if (!mayAuthorize(pages.context, account)) {
        return view('may-not', { title: strings['error.title'], requestId }, 403);
    }
    const asked = await askAuthorizationConsent(pages.context, account, requestId).catch(rethrowUnusable);
    return view('authorize', {
        ...(await consentModel(visit, asked)),
        title: strings['consent.title'],
        requestId: asked.consent.request_id,
        redirect: redirectModel(asked.consent.redirect_uri)
    });
}

/** POST: approves or denies the request, and sends the browser back to the application. */
export async function decideAuthorization(visit: Visit): Promise<ResponseObject> {
    const { account, form, pages, view } = visit;
    const decision = readDecision(form);
    if (decision === 'approve') {
        checkMayAuthorize(visit);
    }
    const requestId = form.get('request_id') ?? '';
    const { status, location } = await decideAuthorizationConsent(pages.context, account, requestId, decision).catch(
        rethrowUnusable
    );
    const outcome = { title: pages.settings.strings[`decided.${status}`], approved: status === 'approved' };
    // A page rather than a redirect: `form-action` would have to list every URL that the application redirects to in turn,
    // and a member whose application does not open needs a page to return to.
    return view(
        'decided',
        location === undefined ? outcome : { ...outcome, location, redirect: redirectModel(location) }
    );
}

function rethrowUnusable(error: Error): never {
    if (!(error instanceof OAuthError) || error.output.statusCode !== 400) {
        throw error;
    }
    const isStopped = error.error === 'unauthorized_client';
    throw new PageError(isStopped ? 'error.client_stopped' : 'error.request_unusable', 400);
}
