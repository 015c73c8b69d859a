import type { Client } from '../store/clients';
import type { Asked, DeviceConsent } from '../flows/device-consent';
import { covers, isStandardScope } from '../scopes/registry';
import { describeScope, type Pages, type ShownScope, type Visit } from './page';

/** What both consent pages show of a request, whoever brings it. */
export async function consentModel(
    { account, pages }: Visit,
    { client, consent, createdAt }: Asked<Omit<DeviceConsent, 'user_code'>>
): Promise<object> {
    const { scopeRegistry } = pages.context;
    const { granted_scopes: granted, requested_scopes: requested } = consent;
    const describe = (scope: string): ShownScope => describeScope(pages, scope);
    const left = requested.filter((scope) => !granted.includes(scope));
    const lacked = left.filter((scope) => covers(scopeRegistry, client.allowed, scope));
    return {
        client: {
            name: consent.client_name,
            initial: initialOf(consent.client_name),
            ...(await ownerOf(pages, client))
        },
        account,
        asked: new Date(createdAt).toISOString(),
        expires: consent.expires_at,
        administrator: granted.includes(scopeRegistry.administrator),
        inherits: consent.inherits_user_permissions,
        // Who somebody is comes first, what it may do second.
        can: [
            ...granted.filter(isStandardScope),
            ...granted.filter((scope) => !isStandardScope(scope) && scope !== scopeRegistry.administrator)
        ].map(describe),
        nothing: granted.length === 0,
        lacked: lacked.map(describe),
        notAllowed: left.filter((scope) => !lacked.includes(scope)).map(describe)
    };
}

/** Whose application it is: known people are easier to trust than names that anybody may choose. */
async function ownerOf({ context }: Pages, { accountId, firstParty }: Client): Promise<object> {
    const owner = accountId === null ? null : await context.findAccount(accountId);
    return { builtIn: firstParty, ...(owner && { owner: { name: owner.name, handle: owner.handle } }) };
}

/** A letter to stand in for a picture. */
export function initialOf(name: string): string {
    return /[\p{L}\p{N}]/u.exec(name)?.[0].toUpperCase() ?? '?';
}

/** True for a decision that one of the two buttons sends. */
export function isDecision(text: string | null): text is 'approve' | 'deny' {
    return text === 'approve' || text === 'deny';
}
