import type { ResponseObject } from '@hapi/hapi';
import { askDeviceConsent, decideDeviceConsent, findDeviceDecision } from '../../flows/device-consent';
import { clientAddress } from '../../http/client-address';
import { sessionAuthTime } from '../../http/session';
import { PageError } from '../request/page-error';
import type { Visit } from '../request/visit';
import { MAX_TYPED, showCodeForm, showCodeProblem } from './device-code';
import { checkMayAuthorize, consentModel, readDecision } from './model';

/**
 * GET: the form for the code of a device (RFC 8628 §3.3). A URL only fills it in: to read a code claims it for the account,
 * and a picture in a post could open any URL.
 */
export async function showDevice(visit: Visit): Promise<ResponseObject> {
    checkMayAuthorize(visit);
    return Promise.resolve(showCodeForm(visit, (visit.query.get('user_code') ?? '').slice(0, MAX_TYPED).trim()));
}

/** POST: shows what the device requests or, with a decision, approves or denies it. */
export async function readOrDecideDevice(visit: Visit): Promise<ResponseObject> {
    const typed = visit.form.get('user_code') ?? '';
    if (typed.length > MAX_TYPED) {
        throw new PageError('error.malformed', 400);
    }
    try {
        return await (visit.form.has('decision') ? decideDevice(visit, typed) : readDevice(visit, typed.trim()));
    } catch (error) {
        return showCodeProblem(visit, typed, error);
    }
}

async function readDevice(visit: Visit, typed: string): Promise<ResponseObject> {
    const { account, pages, request, view } = visit;
    checkMayAuthorize(visit);
    const asked = await askDeviceConsent(pages.context, account, typed, clientAddress(pages.context, request));
    return view('device', {
        ...(await consentModel(visit, asked)),
        title: pages.settings.strings['consent.title'],
        userCode: asked.consent.user_code
    });
}

async function decideDevice(visit: Visit, typed: string): Promise<ResponseObject> {
    const { account, form, pages, request, view } = visit;
    const decision = readDecision(form);
    if (decision === 'approve') {
        checkMayAuthorize(visit);
    }
    // The second click of a double click shows what the first one decided.
    const earlier = await findDeviceDecision(pages.context, account, typed);
    const status =
        earlier ??
        (
            await decideDeviceConsent(pages.context, account, typed, {
                decision,
                authTime: sessionAuthTime(pages.context, request),
                address: clientAddress(pages.context, request)
            })
        ).status;
    return view('decided', {
        title: pages.settings.strings[`decided.${status}`],
        approved: status === 'approved',
        device: true
    });
}
