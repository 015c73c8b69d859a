import type { ClientSource, ClientStatus, OAuthClient } from '../../entities/index';
import { splitNames } from '../scopes/text';

/** A client as the management endpoints show it. */
export interface ClientDescription {
    id: string;
    createdAt: string;
    updatedAt: string;
    account_id?: string;
    client_id: string;
    name: string;
    type: 'public' | 'confidential';
    scope_policy: 'explicit' | 'inherit';
    redirect_uris: string[];
    allowed_scopes: string[];
    allowed_grants: string[];
    /** Who made it known to the forum. */
    source: ClientSource;
    /** True for an application that the forum vouches for. */
    verified: boolean;
    status: ClientStatus;
    suspended_reason?: string;
    client_uri?: string;
    tos_uri?: string;
    policy_uri?: string;
    description?: string;
    /** RFC 3339: when the document that describes it was fetched last. */
    metadata_fetched_at?: string;
}

export function describeClient(row: OAuthClient): ClientDescription {
    return {
        id: row.id,
        createdAt: new Date(row.createdAt).toISOString(),
        updatedAt: new Date(row.updatedAt).toISOString(),
        ...(row.accountId !== null && { account_id: row.accountId }),
        client_id: row.clientId,
        name: row.name,
        type: row.type,
        scope_policy: row.scopePolicy,
        redirect_uris: JSON.parse(row.redirectUris) as string[],
        allowed_scopes: splitNames(row.allowedScopes),
        allowed_grants: splitNames(row.allowedGrants),
        source: row.source,
        verified: row.verified,
        status: row.status,
        ...(row.suspendedReason !== null && { suspended_reason: row.suspendedReason }),
        ...(row.clientUri !== null && { client_uri: row.clientUri }),
        ...(row.tosUri !== null && { tos_uri: row.tosUri }),
        ...(row.policyUri !== null && { policy_uri: row.policyUri }),
        ...(row.description !== null && { description: row.description }),
        ...(row.metadataFetchedAt !== null && {
            metadata_fetched_at: new Date(row.metadataFetchedAt).toISOString()
        })
    };
}
