import type { Request, ServerRoute } from '@hapi/hapi';
import type { Context } from '../context';
import {
    decideAuthorizationConsent,
    readAuthorizationConsent,
    type AuthorizationConsent,
    type AuthorizationDecision
} from '../flows/authorization-consent';
import { sessionRoute } from '../http/session-route';
import type { Account } from '../options/options';
import { readConsentBody, readConsentQuery } from './consent-input';

const CONSENT = '/oauth/authorize/consent';

/** The consent to an authorization request, for the forum's own frontend. */
export function authorizationConsentRoutes(context: Context): ServerRoute[] {
    return [
        sessionRoute(context, {
            method: 'GET',
            path: CONSENT,
            shape: 'protocol',
            scriptsOnly: true,
            handler: (request, account) => read(context, request, account)
        }),
        sessionRoute(context, {
            method: 'POST',
            path: CONSENT,
            shape: 'protocol',
            handler: (request, account) => decide(context, request, account)
        })
    ];
}

async function read(context: Context, request: Request, account: Account): Promise<AuthorizationConsent> {
    return readAuthorizationConsent(context, account, readConsentQuery(request, 'request_id'));
}

async function decide(context: Context, request: Request, account: Account): Promise<AuthorizationDecision> {
    const { subject, decision } = readConsentBody(request, 'request_id');
    return decideAuthorizationConsent(context, account, subject, decision);
}
