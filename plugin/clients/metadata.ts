import { OAuthError } from '../errors/oauth-error';
import type { Settings } from '../options/options';
import { checkDetails } from './detail-rules';
import { DEVICE_CODE_GRANT } from './grant-rules';
import { checkName } from './name-rules';

/** What a client says of itself (RFC 7591 §2), as far as it is used. */
export interface ClientMetadata {
    /** Null where it must not be shown. */
    name: string | null;
    redirectUris: string[];
    /** Those of its grant types that a client without an owner may use. */
    grants: string[];
    clientUri: string | null;
    tosUri: string | null;
    policyUri: string | null;
}

const GRANTS = ['authorization_code', 'refresh_token', DEVICE_CODE_GRANT];

const MAX_REDIRECT_URIS = 20;

/**
 * Reads client metadata. What is unknown is ignored, and what only people would read is left out where it is malformed.
 *
 * @throws OAuthError `invalid_client_metadata`, `invalid_redirect_uri`
 */
export function readMetadata(settings: Settings, body: Record<string, unknown>): ClientMetadata {
    const redirectUris = listOf(body.redirect_uris, 'redirect_uris') ?? [];
    if (redirectUris.length > MAX_REDIRECT_URIS) {
        throw new OAuthError('invalid_redirect_uri', `A client can have at most ${MAX_REDIRECT_URIS} redirect URIs`);
    }
    const grants = listOf(body.grant_types, 'grant_types') ?? ['authorization_code'];
    const types = listOf(body.response_types, 'response_types') ?? ['code'];
    if (grants.includes('authorization_code') && !types.includes('code')) {
        throw new OAuthError('invalid_client_metadata', 'response_types must have code');
    }
    return {
        name: nameOf(settings, body.client_name),
        redirectUris: [...new Set(redirectUris)],
        grants: GRANTS.filter((name) => grants.includes(name)),
        clientUri: uriOf('client_uri', body.client_uri),
        tosUri: uriOf('tos_uri', body.tos_uri),
        policyUri: uriOf('policy_uri', body.policy_uri)
    };
}

function listOf(value: unknown, field: string): string[] | undefined {
    if (value === undefined || value === null) {
        return undefined;
    }
    if (!Array.isArray(value) || !value.every((each) => typeof each === 'string')) {
        throw new OAuthError('invalid_client_metadata', `${field} must be a list of strings`);
    }
    return value;
}

function nameOf(settings: Settings, value: unknown): string | null {
    if (typeof value !== 'string') {
        return null;
    }
    try {
        checkName(value, settings);
        return value;
    } catch {
        return null;
    }
}

function uriOf(field: 'client_uri' | 'tos_uri' | 'policy_uri', value: unknown): string | null {
    if (typeof value !== 'string') {
        return null;
    }
    try {
        checkDetails({ [field]: value });
        return value;
    } catch {
        return null;
    }
}
