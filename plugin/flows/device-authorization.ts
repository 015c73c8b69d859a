import type { ClientCredentials } from '../clients/credentials';
import { refuseClient } from '../clients/authenticate';
import { bringPinnedClient } from '../clients/document-client';
import { DEVICE_CODE_GRANT } from '../clients/grant-rules';
import { findClient } from '../clients/find-client';
import { FIRST_PARTY_SCOPES } from '../clients/first-party-client';
import type { Client } from '../store/clients';
import type { Context } from '../context';
import { OAuthError } from '../errors/oauth-error';
import type { Form } from '../parameters';
import { covers } from '../scopes/registry';
import { clientNetwork } from '../rate-limits/client-network';
import { DuplicateKey } from '../store/database-errors';
import { countPendingFrom, insertDeviceAuthorization } from '../store/device-authorizations';
import { hashSecret, randomSecret } from '../tokens/secret';
import { createUserCode, formatUserCode } from '../user-code';
import { requestedScope } from '../parameters';
import { resourceToBind } from '../resources';
import { requireActive } from '../clients/require-active';
import { requireGrantType } from '../clients/require-grant-type';
import { withRefreshPolicy } from '../clients/refresh-policy';

/** The response to a device authorization request (RFC 8628 §3.2). */
export interface DeviceAuthorizationResponse {
    device_code: string;
    user_code: string;
    verification_uri: string;
    verification_uri_complete: string;
    /** Seconds. */
    expires_in: number;
    /** Seconds. */
    interval: number;
}

/** Begins a device authorization (RFC 8628 §3.1) for a public client. */
export async function authorizeDevice(
    context: Context,
    credentials: ClientCredentials,
    form: Form
): Promise<DeviceAuthorizationResponse> {
    const counted = await context.limits.begin('deviceAuthorization', credentials);
    await bringPinnedClient(context, credentials.clientId);
    const client = await findClient(context, credentials.clientId);
    if (!client) {
        return refuseClient(context, credentials, null);
    }
    if (client.type === 'confidential') {
        throw OAuthError.unauthorizedClient('A confidential client may not ask for a device code');
    }
    if (credentials.secret !== undefined || credentials.basic) {
        return refuseClient(context, credentials, client);
    }
    await counted.admit(client);
    await requireActive(context, client);
    requireGrantType(client, DEVICE_CODE_GRANT);
    const requested = withRefreshPolicy(context, client, requestedScope(context, form));
    const resource = resourceToBind(context, form);
    if (requested.some((name) => !covers(context.scopeRegistry, client.allowed, name))) {
        throw OAuthError.invalidScope('The scope has a name that the client is not allowed');
    }
    if (client.source === 'first_party' && !FIRST_PARTY_SCOPES.every((name) => requested.includes(name))) {
        throw OAuthError.invalidScope(`This client must ask for ${FIRST_PARTY_SCOPES.join(' ')}`);
    }

    const requestedFrom = await checkPendingFrom(context, credentials.address);
    const { id, deviceCode, userCode } = await createDeviceAuthorization(context, client, {
        requested,
        resource,
        requestedFrom
    });
    context.emit({
        type: 'device_authorization_requested',
        device_authorization_id: id,
        oauth_client_id: client.id,
        client_id: client.clientId
    });
    const { lifetimes, urls } = context.settings;
    const complete = new URL(urls.deviceConsent);
    complete.searchParams.set('user_code', formatUserCode(userCode));
    return {
        device_code: deviceCode,
        user_code: formatUserCode(userCode),
        verification_uri: urls.deviceConsent,
        verification_uri_complete: complete.href,
        expires_in: lifetimes.deviceCode,
        interval: lifetimes.devicePollInterval
    };
}

/** When a network that has too much pending may ask again, milliseconds. Codes expire all the time. */
const PENDING_RETRY = 60_000;

/**
 * Checks how much one network has pending (`caps.pendingDevicesPerAddress`).
 *
 * @returns what to note of the network; null where the host knows no address
 * @throws OAuthError 429
 */
async function checkPendingFrom({ clock, database, macs, settings }: Context, address: string): Promise<string | null> {
    if (address === '') {
        return null;
    }
    const requestedFrom = macs.make('client address', clientNetwork(address));
    const pending = await countPendingFrom(database, requestedFrom, clock());
    if (pending >= settings.caps.pendingDevicesPerAddress) {
        throw OAuthError.tooManyRequests(
            'Too many device codes from this address wait for a decision, try again later',
            PENDING_RETRY
        );
    }
    return requestedFrom;
}

/** How often a user code that is taken is drawn again. Among 2^40 codes one draw is nearly always enough. */
const DRAWS = 5;

async function createDeviceAuthorization(
    { clock, database, settings }: Context,
    client: Client,
    asked: { requested: readonly string[]; resource: string | null; requestedFrom: string | null }
): Promise<{ id: string; deviceCode: string; userCode: string }> {
    const now = clock();
    const { lifetimes } = settings;
    for (let draws = 1; ; ++draws) {
        const deviceCode = randomSecret();
        const userCode = createUserCode();
        const device = {
            oauthClientId: client.id,
            deviceCodeHash: hashSecret(deviceCode),
            userCode,
            ...asked,
            pollInterval: lifetimes.devicePollInterval,
            expiresAt: now + lifetimes.deviceCode * 1000
        };
        try {
            return { id: await insertDeviceAuthorization(database, device, now), deviceCode, userCode };
        } catch (error) {
            if (!(error instanceof DuplicateKey) || draws === DRAWS) {
                throw error;
            }
        }
    }
}
