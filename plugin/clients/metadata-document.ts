import { readMetadata, type ClientMetadata } from './metadata';
import { redirectUriProblem } from './redirect-uri';
import type { Settings } from '../options/options';
import { FetchError } from '../documents/fetch-error';

/** How a client that keeps no secret authenticates. */
const NONE = 'none';

/** Members of a JWK that make it a private or a secret one. */
const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/**
 * Reads the document that describes a client (draft-ietf-oauth-client-id-metadata-document §4).
 *
 * @param url where it was fetched, the `client_id`
 * @throws FetchError for one that is not acceptable
 */
export function readDocument(settings: Settings, url: string, value: Record<string, unknown>): ClientMetadata {
    if (value.client_id !== url) {
        throw refused('its client_id is not its URL');
    }
    if (Object.keys(value).some((name) => name.startsWith('client_secret'))) {
        throw refused('it has a secret');
    }
    if (hasPrivateKey(value.jwks)) {
        throw refused('it has a private key');
    }
    if (!isPublicClient(value)) {
        throw refused('the client must authenticate with none');
    }
    const metadata = metadataOf(settings, value);
    const { grants, redirectUris } = metadata;
    if (redirectUris.length === 0) {
        throw refused('it has no redirect_uris');
    }
    if (grants.every((name) => name === 'refresh_token')) {
        throw refused('it has no grant type that the server supports');
    }
    for (const uri of redirectUris) {
        const problem = redirectUriProblem('public', uri, settings.redirectSchemes);
        if (problem !== null) {
            throw refused(`a redirect URI ${problem}`);
        }
    }
    return metadata;
}

function metadataOf(settings: Settings, value: Record<string, unknown>): ClientMetadata {
    try {
        return readMetadata(settings, value);
    } catch (error) {
        throw refused((error as Error).message);
    }
}

function isPublicClient({
    token_endpoint_auth_method: method = NONE,
    token_endpoint_auth_methods_supported: supported
}: Record<string, unknown>): boolean {
    return method === NONE || (Array.isArray(supported) && supported.includes(NONE));
}

function hasPrivateKey(jwks: unknown): boolean {
    const keys = (jwks as { keys?: unknown } | null | undefined)?.keys;
    return (
        Array.isArray(keys) && keys.some((key) => PRIVATE.some((name) => (key as object | null) && name in Object(key)))
    );
}

function refused(reason: string): FetchError {
    return new FetchError(reason, true);
}
