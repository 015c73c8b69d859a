import type { ClientDescription } from '../../clients/describe';
import type { ClientChange, NewClient } from '../../clients/fields';
import { DEVICE_CODE_GRANT } from '../../clients/grant-rules';
import { isStandardScope } from '../../scopes/registry';

/** The form for an application, as it was filled in. */
export interface ClientForm {
    name: string;
    type: string;
    /** The grant types chosen for the chosen type, without `refresh_token`. */
    grants: string[];
    redirectUris: string;
    scopes: string[];
    /** Whether it can act while members are away: `refresh_token` and `offline_access`, which need each other. */
    staysConnected: boolean;
}

export const EMPTY_FORM: ClientForm = {
    name: '',
    type: 'public',
    grants: ['authorization_code'],
    redirectUris: '',
    scopes: ['openid', 'profile'],
    staysConnected: true
};

/**
 * Reads the form. Each client type has checkboxes of its own for its grant types; those of the other type are hidden on
 * the page and ignored here.
 */
export function readClientForm(form: URLSearchParams): ClientForm {
    const type = form.get('type') ?? '';
    return {
        name: (form.get('name') ?? '').trim(),
        type,
        grants: form.getAll(type === 'confidential' ? 'confidential_grants' : 'public_grants'),
        redirectUris: form.get('redirect_uris') ?? '',
        scopes: form.getAll('scopes'),
        staysConnected: form.has('stays_connected')
    };
}

/** The form that shows a client as it is. */
export function formOf({
    name,
    redirect_uris: redirectUris,
    allowed_scopes: scopes
}: ClientDescription): Pick<ClientForm, 'name' | 'redirectUris' | 'scopes' | 'staysConnected'> {
    return {
        name,
        redirectUris: redirectUris.join('\n'),
        scopes,
        staysConnected: scopes.includes('offline_access')
    };
}

/** The client that the form describes, without what its grant types have no use for. */
export function newClientOf(form: ClientForm): NewClient {
    const signsIn = form.grants.includes('authorization_code') || form.grants.includes(DEVICE_CODE_GRANT);
    const staysConnected = signsIn && form.staysConnected;
    // An application that acts only for its owner has no one to sign in.
    const scopes = signsIn ? form.scopes : form.scopes.filter((scope) => !isStandardScope(scope));
    return {
        name: form.name,
        type: form.type as NewClient['type'],
        allowed_grants: [...form.grants, ...(staysConnected ? ['refresh_token'] : [])],
        allowed_scopes: withOfflineAccess(scopes, staysConnected),
        redirect_uris: form.grants.includes('authorization_code') ? linesOf(form.redirectUris) : [],
        pkce_required: true
    };
}

/** The changes to a client that the form describes. */
export function changeOf({ allowed_grants: grants }: ClientDescription, form: ClientForm): ClientChange {
    return {
        name: form.name,
        allowed_scopes: withOfflineAccess(form.scopes, grants.includes('refresh_token') && form.staysConnected),
        ...(grants.includes('authorization_code') && { redirect_uris: linesOf(form.redirectUris) })
    };
}

function withOfflineAccess(scopes: readonly string[], staysConnected: boolean): string[] {
    return [...scopes.filter((scope) => scope !== 'offline_access'), ...(staysConnected ? ['offline_access'] : [])];
}

/** The lines of a text that are not blank, trimmed. */
function linesOf(text: string): string[] {
    return text.split(/\r?\n/).flatMap((line) => (line.trim() === '' ? [] : [line.trim()]));
}
