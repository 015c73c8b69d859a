import type { OAuthClient } from '../../entities/index';
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
        allowed_grants: splitNames(row.allowedGrants)
    };
}
