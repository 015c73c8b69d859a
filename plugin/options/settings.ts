import type { JWK } from 'jose' with { 'resolution-mode': 'import' };
import type { DataSource } from 'typeorm';
import type { AccessKeysOptions } from './access-keys';
import type { Accounts } from './accounts';
import type { BearerSettings } from './bearer';
import type { Caps } from './caps';
import type { FirstPartyClient } from './first-party-clients';
import type { Lifetimes } from './lifetimes';
import type { LimitsSettings } from './limits';
import type { PermissionSettings } from './permissions';
import type { Resource } from './resources';
import type { ClientMetadataDocumentsSettings, RegistrationSettings } from './self-made-clients';
import type { SessionSettings } from './session';
import type { Urls } from './urls';

/** The options with every default filled in. */
export interface Settings {
    issuer: string;
    /** The origin of the issuer. */
    origin: string;
    dataSource: DataSource;
    accounts: Accounts;
    session: SessionSettings;
    permissions: PermissionSettings;
    signingKeys: JWK[];
    /** What MACs are made with: the first makes, all verify. */
    secrets: Buffer[];
    audience: string;
    /** Empty where the option is off. */
    resources: Resource[];
    advertisedScopes: string[];
    unknownScopes: 'refuse' | 'ignore';
    lifetimes: Lifetimes;
    urls: Urls;
    firstPartyClients: FirstPartyClient[];
    redirectSchemes: string[];
    registration: RegistrationSettings | false;
    clientMetadataDocuments: ClientMetadataDocumentsSettings | false;
    accessKeys: AccessKeysOptions | false;
    bearer: BearerSettings;
    limits: LimitsSettings;
    caps: Caps;
    jobs?: 'in-process';
    clock: () => number;
}
