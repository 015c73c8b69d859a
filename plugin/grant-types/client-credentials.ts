import type { Client } from '../store/clients';
import type { Context } from '../context';
import { OAuthError } from '../errors/oauth-error';
import type { Form } from '../parameters';
import { createId } from '../ids';
import { DatabaseUnavailable } from '../store/database-errors';
import { findStandingGrant, insertStandingGrant, type StandingFor } from '../store/grants';
import { createFamilyKey } from '../tokens/refresh-token';
import { shareScope } from '../scopes/resolve';
import { covers } from '../scopes/registry';
import { signTokens, type TokenResponse } from './token-response';
import { requestedScope } from '../parameters';
import { requestedResource } from '../resources';

/**
 * The client credentials grant (RFC 6749 §4.4): a confidential client acts as its owner, with the permissions that both
 * have. There is neither an ID token nor a refresh token. All tokens share one standing grant.
 */
export async function clientCredentialsGrant(context: Context, client: Client, form: Form): Promise<TokenResponse> {
    const requested = requestedScope(context, form);
    const requestedFor = requestedResource(context, form);
    if (client.type !== 'confidential' || client.accountId === null) {
        throw OAuthError.unauthorizedClient('The client has no owner to act as');
    }
    if (requested.some((name) => !covers(context.scopeRegistry, client.allowed, name))) {
        throw OAuthError.invalidScope('The scope has a name that the client is not allowed');
    }
    const account = await context.findAccount(client.accountId);
    if (!account) {
        throw OAuthError.unauthorizedClient('The owner of the client may not act');
    }
    const scope = shareScope(context.scopeRegistry, client, requested, account.permissions);
    const { audience } = context.settings;
    const resource = requestedFor ?? audience;
    // One for the default resource has no resource, as those from before.
    const use = { oauthClientId: client.id, accountId: account.id, resource: resource === audience ? null : resource };
    const grantId = await standingGrant(context, client, use);
    const response = await signTokens(context, { client, account, grantId, resource, scope, authTime: null });
    context.emit({
        type: 'token_issued',
        grant_type: 'client_credentials',
        account_id: account.id,
        oauth_client_id: client.id,
        client_id: client.clientId,
        scope: response.scope,
        grant_id: grantId
    });
    return response;
}

/** How often a standing grant is looked for while others revoke it. */
const ATTEMPTS = 3;

/** The `id` of the client's standing grant, made anew where there is none or it was revoked. */
async function standingGrant({ clock, database }: Context, client: Client, use: StandingFor): Promise<string> {
    for (let attempts = 1; attempts <= ATTEMPTS; ++attempts) {
        const found = await findStandingGrant(attempts === 1 ? database : database.sure, use);
        if (found !== null) {
            return found;
        }
        const now = clock();
        const grant = { id: createId(now), ...use, scope: client.allowed };
        await insertStandingGrant(database, { ...grant, familyKey: createFamilyKey() }, now);
    }
    throw new DatabaseUnavailable('standing grant');
}
