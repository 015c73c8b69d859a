import type { OAuthClient } from '../../entities';
import type { Context } from '../context';
import { OAuthError } from '../errors/oauth-error';
import { createId } from '../ids';
import { isLoopback } from '../loopback';
import { joinNames } from '../scopes/text';
import { insertClientRow } from '../store/clients';
import { DatabaseUnavailable } from '../store/database-errors';
import { hashClientSecret } from '../tokens/secret';
import { createClientId } from './client-id';
import { createClientSecret } from './client-secret';
import { DEVICE_CODE_GRANT } from './grant-rules';
import { makeRoom } from './make-room';
import { readMetadata } from './metadata';
import { redirectUriProblem } from './redirect-uri';

/** What a client is told of its registration (RFC 7591 §3.2.1). */
export type RegistrationResponse = Record<string, unknown> & { client_id: string };

const METHODS = ['none', 'client_secret_basic', 'client_secret_post'];

/** What a client is called whose name must not be shown. */
const UNNAMED = 'Unnamed application';

/** A client that has not been used for so long may make room for another one, milliseconds. */
const ROOM_AFTER = 60 * 60 * 1000;

/**
 * Registers a client that nobody vouches for (RFC 7591).
 *
 * @throws OAuthError `invalid_redirect_uri`, `invalid_client_metadata`, `unapproved_software_statement`
 */
export async function registerClient(context: Context, sent: Record<string, unknown>): Promise<RegistrationResponse> {
    // RFC 7591 §2: a member that is null is one that was left out.
    const body = Object.fromEntries(Object.entries(sent).filter(([, value]) => value !== null));
    const { registration } = context.settings;
    if (!registration) {
        throw new Error('Registration is off');
    }
    if (body.software_statement !== undefined) {
        throw new OAuthError('unapproved_software_statement', 'The server approves no software statements');
    }
    const metadata = readMetadata(context.settings, body);
    const method = methodOf(body);
    const type = method === 'none' ? 'public' : 'confidential';
    const grants = metadata.grants.filter((name) => name !== DEVICE_CODE_GRANT || type === 'public');
    if (!grants.some((name) => name !== 'refresh_token')) {
        throw invalidMetadata('grant_types must have authorization_code, or for a public client the device code grant');
    }
    const needsRedirect = grants.includes('authorization_code');
    checkRedirects(context, body, { type, uris: metadata.redirectUris, needsRedirect });

    const now = context.clock();
    const room = { source: 'self_registered', most: registration.maxClients, before: now - ROOM_AFTER } as const;
    if (!(await makeRoom(context, room))) {
        throw new DatabaseUnavailable('registrations');
    }
    const secret = type === 'confidential' ? createClientSecret() : null;
    const row: OAuthClient = {
        id: createId(now),
        accountId: null,
        clientId: createClientId(),
        name: metadata.name ?? UNNAMED,
        type,
        scopePolicy: 'explicit',
        source: 'self_registered',
        verified: false,
        status: 'active',
        suspendedReason: null,
        description: null,
        clientUri: metadata.clientUri,
        tosUri: metadata.tosUri,
        policyUri: metadata.policyUri,
        redirectUris: JSON.stringify(metadata.redirectUris),
        allowedScopes: joinNames(registration.scopes),
        allowedGrants: joinNames(grants),
        secretHash: secret === null ? null : hashClientSecret(secret),
        previousSecretHash: null,
        previousSecretExpiresAt: null,
        createdAt: now,
        updatedAt: now,
        usedAt: null,
        idleSince: null,
        metadataFetchedAt: null,
        deletedAt: null
    };
    await insertClientRow(context.database, row);
    context.emit({ type: 'client_registered', oauth_client_id: row.id, client_id: row.clientId });
    return {
        client_id: row.clientId,
        client_id_issued_at: Math.floor(now / 1000),
        ...(secret !== null && { client_secret: secret, client_secret_expires_at: 0 }),
        client_name: row.name,
        redirect_uris: metadata.redirectUris,
        grant_types: grants,
        response_types: needsRedirect ? ['code'] : [],
        token_endpoint_auth_method: method,
        ...(body.application_type !== undefined && { application_type: body.application_type }),
        scope: row.allowedScopes,
        ...(row.clientUri !== null && { client_uri: row.clientUri }),
        ...(row.tosUri !== null && { tos_uri: row.tosUri }),
        ...(row.policyUri !== null && { policy_uri: row.policyUri })
    };
}

/** How the client authenticates at the token endpoint. */
function methodOf({ token_endpoint_auth_method: given = 'client_secret_basic' }: Record<string, unknown>): string {
    if (typeof given !== 'string' || !METHODS.includes(given)) {
        throw invalidMetadata(`token_endpoint_auth_method must be ${METHODS.join(', ')}`);
    }
    return given;
}

function checkRedirects(
    { settings }: Context,
    { application_type: kind }: Record<string, unknown>,
    { type, uris, needsRedirect }: { type: OAuthClient['type']; uris: string[]; needsRedirect: boolean }
): void {
    if (kind !== undefined && kind !== 'native' && kind !== 'web') {
        throw invalidMetadata('application_type must be native or web');
    }
    if (needsRedirect && uris.length === 0) {
        throw invalidRedirect('redirect_uris must have at least one redirect URI');
    }
    for (const uri of uris) {
        const problem = redirectUriProblem(type, uri, settings.redirectSchemes);
        if (problem !== null) {
            throw invalidRedirect(`A redirect URI ${problem}`);
        }
        const { protocol, hostname } = new URL(uri);
        if (kind === 'web' && (protocol !== 'https:' || isLoopback(hostname))) {
            throw invalidRedirect('A redirect URI of a web application must use https, on no loopback host');
        }
    }
}

function invalidMetadata(description: string): OAuthError {
    return new OAuthError('invalid_client_metadata', description);
}

function invalidRedirect(description: string): OAuthError {
    return new OAuthError('invalid_redirect_uri', description);
}
