import type { ResponseObject } from '@hapi/hapi';
import { OAuthError } from '../errors/oauth-error';
import { askDeviceConsent, decideDeviceConsent } from '../flows/device-consent';
import { mayAuthorize } from '../policy';
import { clientAddress } from '../http/client-address';
import { sessionAuthTime } from '../http/session';
import { consentModel, isDecision } from './consent';
import { isOwnNavigation, type Page, PageError, type Pages, type Visit } from './page';

/** Longer than a code can be, however it was typed. */
const MAX_LENGTH = 64;

/** Where a person enters or confirms the code that a device shows, and decides (RFC 8628 §3.3). */
export function devicePages(_pages: Pages, path: string): Page[] {
    return [
        { method: 'GET', path, handler: read },
        { method: 'POST', path, handler: decide }
    ];
}

async function read(visit: Visit): Promise<ResponseObject> {
    const typed = (visit.query.get('user_code') ?? '').slice(0, MAX_LENGTH).trim();
    checkMayAuthorize(visit);
    // Reading a code claims it, so a link on another site only gets as far as the form.
    if (typed === '' || !isOwnNavigation(visit.pages, visit.request)) {
        return askCode(visit, { typed });
    }
    try {
        const { context } = visit.pages;
        const asked = await askDeviceConsent(context, visit.account, typed, clientAddress(context, visit.request));
        return visit.view('device', {
            ...(await consentModel(visit, asked)),
            title: visit.pages.settings.strings['consent.title'],
            userCode: asked.consent.user_code
        });
    } catch (error) {
        return askCode(visit, { typed, error });
    }
}

async function decide(visit: Visit): Promise<ResponseObject> {
    const { account, form, pages, request } = visit;
    const [typed, decision] = [form.get('user_code') ?? '', form.get('decision')];
    if (!isDecision(decision) || typed.length > MAX_LENGTH) {
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
        return visit.view('decided', {
            title: pages.settings.strings[`decided.${status}`],
            approved: status === 'approved',
            device: true
        });
    } catch (error) {
        return askCode(visit, { typed, error });
    }
}

/** The form for the code, with what was wrong about the last one. */
function askCode({ pages, view }: Visit, { typed, error }: { typed: string; error?: unknown }): ResponseObject {
    const { strings } = pages.settings;
    const title = strings['device.title'];
    if (error === undefined) {
        return view('device-code', { title, typed, path: pages.pathOf('device') });
    }
    if (!(error instanceof OAuthError) || error.output.statusCode >= 500) {
        throw error as Error;
    }
    const { statusCode, headers } = error.output;
    const wait = headers['retry-after'];
    const problem =
        statusCode === 429 ? 'device.too_many' : error.error === 'access_denied' ? 'device.taken' : 'device.unusable';
    const response = view(
        'device-code',
        {
            title,
            typed,
            path: pages.pathOf('device'),
            problem,
            minutes: String(Math.ceil(Number(wait ?? 60) / 60)),
            failed: true
        },
        statusCode
    );
    return wait === undefined ? response : response.header('retry-after', String(wait));
}

/** @throws PageError for an account that may not approve applications at all */
export function checkMayAuthorize({ account, pages: { context } }: Visit): void {
    if (!mayAuthorize(context, account)) {
        throw new PageError('error.may_not_authorize', 403);
    }
}
