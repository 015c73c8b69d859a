import type { ResponseObject } from '@hapi/hapi';
import { OAuthError } from '../errors/oauth-error';
import { askAuthorizationConsent, decideAuthorizationConsent } from '../flows/authorization-consent';
import { mayAuthorize } from '../policy';
import { isLoopback } from '../loopback';
import { consentModel, isDecision } from './consent';
import { checkMayAuthorize } from './device';
import { PageError, type Page, type Pages, type Visit } from './page';

/** Where a person decides what an application that sent the browser here may do (RFC 6749 §4.1.1). */
export function authorizePages(_pages: Pages, path: string): Page[] {
    return [
        { method: 'GET', path, handler: read },
        { method: 'POST', path, handler: decide }
    ];
}

async function read(visit: Visit): Promise<ResponseObject> {
    const requestId = visit.query.get('request_id') ?? '';
    const { context, settings } = visit.pages;
    if (!mayAuthorize(context, visit.account)) {
        return visit.view('may-not', { title: settings.strings['error.title'], requestId }, 403);
    }
    const asked = await askAuthorizationConsent(context, visit.account, requestId).catch(unusable);
    return visit.view('authorize', {
        ...(await consentModel(visit, asked)),
        title: settings.strings['consent.title'],
        requestId: asked.consent.request_id,
        redirect: describeRedirect(asked.consent.redirect_uri)
    });
}

async function decide(visit: Visit): Promise<ResponseObject> {
    const { account, form, pages, view } = visit;
    const decision = form.get('decision');
    if (!isDecision(decision)) {
        throw new PageError('error.malformed', 400);
    }
    if (decision === 'approve') {
        checkMayAuthorize(visit);
    }
    const requestId = form.get('request_id') ?? '';
    const { status, location } = await decideAuthorizationConsent(pages.context, account, requestId, decision).catch(
        unusable
    );
    const approved = status === 'approved';
    const title = pages.settings.strings[`decided.${status}`];
    if (location === undefined) {
        return view('decided', { title, approved });
    }
    // Not by a redirect: `form-action` would have to name every address that the application redirects to in turn, and
    // somebody whose application does not open needs a page to come back to.
    return view('decided', { title, approved, location, redirect: describeRedirect(location) });
}

/** Where an answer goes, as plainly as it can be said. */
export function describeRedirect(uri: string): object {
    const { host, hostname, protocol } = new URL(uri);
    const isWeb = protocol === 'https:' || protocol === 'http:';
    const kind = !isWeb ? 'app' : isLoopback(hostname) ? 'computer' : 'site';
    return { uri: uri.replace(/\?.*$/s, ''), kind: { [kind]: true }, host: isWeb ? host : protocol };
}

function unusable(error: Error): never {
    throw error instanceof OAuthError && error.output.statusCode === 400
        ? new PageError('error.request_unusable', 400)
        : error;
}
