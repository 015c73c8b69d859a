/** What people judge an application by. */
export interface ClientDetails {
    /** Its website, `https`. */
    client_uri?: string;
    /** Its terms of service, `https`. */
    tos_uri?: string;
    /** Its privacy policy, `https`. */
    policy_uri?: string;
    /** At most 1,000 characters. */
    description?: string;
}

/** In a change, null takes a field away. */
type Clearable<Fields> = { [Name in keyof Fields]?: Fields[Name] | null };

/** What a member sends to create an application. */
export interface NewClient extends ClientDetails {
    name: string;
    type: 'public' | 'confidential';
    allowed_grants: string[];
    allowed_scopes: string[];
    redirect_uris?: string[];
    /** Must be true for a public client with `authorization_code`. Every client uses PKCE, whatever is sent here. */
    pkce_required?: boolean;
}

/** What a member can change of an application of their own. */
export type ClientChange = Partial<Pick<NewClient, 'name' | 'redirect_uris' | 'allowed_scopes'>> &
    Clearable<ClientDetails>;

/** What only an administrator says of a client. */
interface Review {
    /** Whether the forum vouches for the application. A new client: true by default. */
    verified?: boolean;
    /** A suspended client can do nothing. Default: `active`. */
    status?: 'active' | 'suspended';
    /** Why it is suspended, at most 500 characters. */
    suspended_reason?: string;
}

/** What an administrator sends to create a client. */
export interface AdminNewClient extends NewClient, Review {
    /** The owner. A client without one cannot use client credentials. */
    account_id?: string;
    /** Default: a random one. */
    client_id?: string;
    /** Default: `explicit`. */
    scope_policy?: 'explicit' | 'inherit';
    /** Instead of a generated secret: lower-case hex SHA-256 of one with at least 256 random bits. */
    client_secret_hash?: string;
}

/** What an administrator can change of a client; null takes a field, or the owner, away. */
export type AdminClientChange = ClientChange &
    Partial<Pick<AdminNewClient, 'allowed_grants' | 'client_id' | 'scope_policy' | 'client_secret_hash'>> &
    Pick<Review, 'verified' | 'status'> & {
        account_id?: string | null;
        suspended_reason?: string | null;
    };
