import { DEVICE_CODE_GRANT } from '../clients/grant-rules';
import type { NewClient } from '../clients/fields';
import { ManagementError } from '../errors/management-error';
import { covers, heldPermissions, STANDARD_SCOPES } from '../scopes/registry';
import { describeScope, type ShownScope, type Visit } from './page';

/** What somebody has entered of an application, and enters again where it was wrong. */
export interface Entered {
    name: string;
    type: string;
    /** The grants of the chosen type. */
    grants: string[];
    redirectUris: string;
    scopes: string[];
    /** Whether it goes on acting for people while they are away: the grant and the scope for it, which need each other. */
    staysConnected: boolean;
}

export const EMPTY: Entered = {
    name: '',
    type: 'public',
    grants: ['authorization_code'],
    redirectUris: '',
    scopes: ['openid', 'profile'],
    staysConnected: true
};

/**
 * What a form says. The grants of either type are boxes of their own: what does not go with the chosen type is hidden on
 * the page, and not read here.
 */
export function readEntered(form: URLSearchParams): Entered {
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

/** The redirect URIs of a text with one to a line. */
export function linesOf(text: string): string[] {
    return text.split(/\r?\n/).flatMap((line) => (line.trim() === '' ? [] : [line.trim()]));
}

/** The client that was entered, without what the chosen grants have no use for. */
export function newClientOf(entered: Entered): NewClient {
    const signsIn = entered.grants.includes('authorization_code') || entered.grants.includes(DEVICE_CODE_GRANT);
    const staysConnected = signsIn && entered.staysConnected;
    const isStandard = (scope: string): boolean => (STANDARD_SCOPES as readonly string[]).includes(scope);
    return {
        name: entered.name,
        type: entered.type as NewClient['type'],
        allowed_grants: [...entered.grants, ...(staysConnected ? ['refresh_token'] : [])],
        allowed_scopes: [
            // Nobody signs in to an application that acts for its owner only.
            ...entered.scopes.filter((scope) => scope !== 'offline_access' && (signsIn || !isStandard(scope))),
            ...(staysConnected ? ['offline_access'] : [])
        ],
        redirect_uris: entered.grants.includes('authorization_code') ? linesOf(entered.redirectUris) : [],
        pkce_required: true
    };
}

/** A scope that can be chosen. */
interface Choice extends ShownScope {
    checked: boolean;
}

/** The scopes that the account may allow an application, and which of them are chosen. */
export function scopeChoices(
    { account, pages }: Visit,
    chosen: readonly string[]
): { standard: Choice[]; permissions: Choice[] } {
    const { scopeRegistry } = pages.context;
    const held = heldPermissions(scopeRegistry, account.permissions);
    const choice = (scope: string): Choice => ({ ...describeScope(pages, scope), checked: chosen.includes(scope) });
    return {
        standard: STANDARD_SCOPES.filter((scope) => scope !== 'offline_access').map(choice),
        permissions: scopeRegistry.permissions.filter((scope) => covers(scopeRegistry, held, scope)).map(choice)
    };
}

/** Where an error belongs: its field on the page and its message. */
export interface FieldError {
    field: string;
    message: string;
}

/** Which field of a form each field of the operations is. */
const FIELDS: Record<string, string> = {
    name: 'name',
    type: 'type',
    allowed_grants: 'grants',
    pkce_required: 'grants',
    redirect_uris: 'redirect_uris',
    allowed_scopes: 'scopes',
    overlap_seconds: 'overlap_seconds'
};

/** @throws the error itself where no field is at fault */
export function fieldError({ pages }: Visit, error: unknown): FieldError {
    const { metadata } = error instanceof ManagementError ? (error.output.payload as unknown as Refusal) : {};
    const [, name, place] = /^(\w+)(?:\[(\d+)\])?$/.exec(metadata?.field ?? '') ?? [];
    const field = FIELDS[name ?? ''];
    if (field === undefined) {
        throw error as Error;
    }
    const { strings } = pages.settings;
    const said = strings[`invalid.${name}.${metadata?.rule}`] ?? (error as ManagementError).message;
    return {
        field,
        message: place === undefined ? said : `${strings['invalid.line']} ${Number(place) + 1}: ${said}`
    };
}

interface Refusal {
    metadata?: { field?: string; rule?: string };
}
