/** What a member sends to create an application. */
export interface NewClient {
    name: string;
    type: 'public' | 'confidential';
    allowed_grants: string[];
    allowed_scopes: string[];
    redirect_uris?: string[];
    /** Must be true for a public client with `authorization_code`. Every client uses PKCE, whatever is sent here. */
    pkce_required?: boolean;
}

/** What a member can change of an application of their own. */
export type ClientChange = Partial<Pick<NewClient, 'name' | 'redirect_uris' | 'allowed_scopes'>>;

/** What an administrator sends to create a client. */
export interface AdminNewClient extends NewClient {
    /** The owner. A client without one cannot use client credentials. */
    account_id?: string;
    /** Default: a random one. */
    client_id?: string;
    /** Default: `explicit`. */
    scope_policy?: 'explicit' | 'inherit';
    /** Instead of a generated secret: lower-case hex SHA-256 of one with at least 256 random bits. */
    client_secret_hash?: string;
}

/** What an administrator can change of a client; null removes the owner. */
export type AdminClientChange = Partial<
    Pick<AdminNewClient, 'name' | 'redirect_uris' | 'allowed_scopes' | 'allowed_grants' | 'client_id' | 'scope_policy'>
> & { account_id?: string | null };
