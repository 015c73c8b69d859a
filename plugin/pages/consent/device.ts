import type { ResponseObject } from '@hapi/hapi';
import { askDeviceConsent, decideDeviceConsent } from '../../flows/device-consent';
import { clientAddress } from '../../http/client-address';
import { isOwnNavigation } from '../../http/same-site';
import { sessionAuthTime } from '../../http/session';
import { PageError } from '../request/page-error';
import type { Visit } from '../request/visit';
import { MAX_TYPED, showCodeForm, showCodeProblem } from './device-code';
import { checkMayAuthorize, consentModel, readDecision } from './model';

/** GET: the form for the code of a device or, with a code, what the device requests (RFC 8628 §3.3). */
export async function showDevice(visit: Visit): Promise<ResponseObject> {
    const { account, pages, query, request, view } = visit;
    const typed = (query.get('user_code') ?? '').slice(0, MAX_TYPED).trim();
    checkMayAuthorize(visit);
    // Reading a code claims it for the account, so a link on another site only fills in the form.
    if (typed === '' || !isOwnNavigation(request.headers, pages.context.settings.origin)) {
        return showCodeForm(visit, typed);
    }
    try {
        const asked = await askDeviceConsent(pages.context, account, typed, clientAddress(pages.context, request));
        return view('device', {
            ...(await consentModel(visit, asked)),
            title: pages.settings.strings['consent.title'],
            userCode: asked.consent.user_code
        });
    } catch (error) {
        return showCodeProblem(visit, typed, error);
    }
}

/** POST: approves or denies the device's request. */
export async function decideDevice(visit: Visit): Promise<ResponseObject> {
    const { account, form, pages, request, view } = visit;
    const typed = form.get('user_code') ?? '';
    const decision = readDecision(form);
    if (typed.length > MAX_TYPED) {
        throw new PageError('error.malformed', 400);
    }
    if (decision === 'approve') {
        checkMayAuthorize(visit);
    }
    try {
        const { status } = await decideDeviceConsent(pages.context, account, typed, {
            decision,
            authTime: sessionAuthTime(pages.context, request),
            address: clientAddress(pages.context, request)
        });
        return view('decided', {
            title: pages.settings.strings[`decided.${status}`],
            approved: status === 'approved',
            device: true
        });
    } catch (error) {
        return showCodeProblem(visit, typed, error);
    }
}
