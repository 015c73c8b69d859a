import type { Decision } from '../../flows/decision';
import type { Asked, DeviceConsent } from '../../flows/device-consent';
import { mayAuthorize } from '../../policy';
import { covers } from '../../scopes/registry';
import { PageError } from '../request/page-error';
import type { Visit } from '../request/visit';
import { initialOf } from '../view/client-model';
import { ownerModel } from '../view/owner-model';
import { scopeModel, standardFirst } from '../view/scope-model';

/** What both consent pages show about a request. */
export async function consentModel(
    { account, pages }: Visit,
    { client, consent, createdAt }: Asked<Omit<DeviceConsent, 'user_code'>>
): Promise<object> {
    const { scopeRegistry } = pages.context;
    const { granted_scopes: granted, requested_scopes: requested } = consent;
    const describe = (scopes: string[]): object[] => scopes.map((scope) => scopeModel(pages, scope));
    const refused = requested.filter((scope) => !granted.includes(scope));
    const lacked = refused.filter((scope) => covers(scopeRegistry, client.allowed, scope));
    return {
        client: {
            name: consent.client_name,
            initial: initialOf(consent.client_name),
            verified: consent.verified && client.source !== 'first_party',
            unverified: !consent.verified,
            host: consent.client_host,
            uri: consent.client_uri,
            ...(await ownerModel(pages, { source: client.source, ownerId: client.accountId }))
        },
        loopbackOnly: consent.loopback_only,
        resource: consent.resource_name ?? consent.resource,
        account,
        asked: new Date(createdAt).toISOString(),
        expires: consent.expires_at,
        administrator: granted.includes(scopeRegistry.administrator),
        inherits: consent.inherits_user_permissions,
        can: describe(standardFirst(granted).filter((scope) => scope !== scopeRegistry.administrator)),
        nothing: granted.length === 0,
        lacked: describe(lacked),
        notAllowed: describe(refused.filter((scope) => !lacked.includes(scope)))
    };
}

/**
 * The decision that a form carries.
 *
 * @throws PageError for anything but the values of the two buttons
 */
export function readDecision(form: URLSearchParams): Decision {
    const decision = form.get('decision');
    if (decision !== 'approve' && decision !== 'deny') {
        throw new PageError('error.malformed', 400);
    }
    return decision;
}

/** @throws PageError for an account that may not approve applications */
export function checkMayAuthorize({ account, pages: { context } }: Visit): void {
    if (!mayAuthorize(context, account)) {
        throw new PageError('error.may_not_authorize', 403);
    }
}
