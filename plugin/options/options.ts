import type { JWK } from 'jose' with { 'resolution-mode': 'import' };
import type { DataSource } from 'typeorm';
import type { AccessKeysOptions } from './access-keys';
import type { Accounts } from './accounts';
import type { BearerSettings } from './bearer';
import type { Caps } from './caps';
import type { FirstPartyClient } from './first-party-clients';
import type { Lifetimes } from './lifetimes';
import type { LimitsOptions } from './limits';
import type { PermissionOptions } from './permissions';
import type { Resource } from './resources';
import type { Secret } from './secret';
import type { ClientMetadataDocumentsOptions, RegistrationOptions } from './self-made-clients';
import type { SessionOptions } from './session';
import type { Urls } from './urls';

export type { AccessKeysOptions } from './access-keys';
export type { Account, Accounts } from './accounts';
export type { Caps } from './caps';
export type { FirstPartyClient } from './first-party-clients';
export type { Lifetimes } from './lifetimes';
export { LIMIT_NAMES, type Limit, type LimitName, type LimitsOptions, type LimitsRedis } from './limits';
export type { Resource } from './resources';
export type { Secret } from './secret';
export type { ClientMetadataDocumentsOptions, RefreshPolicy, RegistrationOptions } from './self-made-clients';
export type { SessionCredentials } from './session';
export type { Settings } from './settings';

/** The options of the plugin. */
export interface Options {
    /** `https`, or `http` on a loopback host; published exactly as given. No trailing slash, query or fragment. */
    issuer: string;
    /** Initialised, with this package's `entities` in it. */
    dataSource: DataSource;
    accounts: Accounts;
    session: SessionOptions;
    permissions?: PermissionOptions;
    /** Private JWKs, each with `alg`. The first signs, all are published. */
    signingKeys: JWK[];
    /**
     * What the processes of a forum make shared MACs with: 32 bytes or more, or a list of such, of which the first makes
     * and all verify. Default: derived from the signing keys.
     */
    secret?: Secret | Secret[];
    /** `aud` of access tokens. Default: the first of `resources`, or the issuer. */
    audience?: string;
    /** The protected resources that tokens can be for (RFC 9728); the first is the default. Default: one, the `audience`. */
    resources?: Resource[];
    /** `scopes_supported` of the server metadata. Default: standard scopes and all permissions but the administrator's. */
    advertisedScopes?: string[];
    /** Whether a request with unknown scopes is refused, or they are left out. Default: `refuse`. */
    unknownScopes?: 'refuse' | 'ignore';
    lifetimes?: Partial<Lifetimes>;
    urls?: Partial<Urls>;
    /** Default: `storyden-cli`, named `Storyden`. */
    firstPartyClients?: FirstPartyClient[];
    /** Private-use schemes that redirect URIs of public clients may have although they lack a period. Default: none. */
    redirectSchemes?: string[];
    /** Lets clients register themselves (RFC 7591). Default: off. */
    registration?: RegistrationOptions | false;
    /** Lets clients be known by the URL of a document that describes them. Default: off. */
    clientMetadataDocuments?: ClientMetadataDocumentsOptions | false;
    /** Lets members make keys for scripts of theirs. Default: off. */
    accessKeys?: AccessKeysOptions | false;
    bearer?: Partial<BearerSettings>;
    /** Limits by client address; `false` turns all of them off, for a forum that has its own. */
    limits?: LimitsOptions | false;
    /** How many of a thing there can be at a time. */
    caps?: Partial<Caps>;
    /** Runs the cleanup jobs in this process, for a forum that runs in one process without Redis. */
    jobs?: 'in-process';
    /** The current time in epoch milliseconds, for tests. Default: `Date.now`. */
    clock?: () => number;
}
