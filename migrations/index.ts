import { CreateOAuthTables1793000000000 } from './1793000000000-create-oauth-tables';
import { GrantsAtApproval1795651200000 } from './1795651200000-grants-at-approval';
import { Resources1795824000000 } from './1795824000000-resources';
import { SelfMadeClients1795910400000 } from './1795910400000-self-made-clients';
import { AccessKeys1796200000000 } from './1796200000000-access-keys';

/** Every migration, for the `migrations` of the host's DataSource. */
export const migrations = [
    CreateOAuthTables1793000000000,
    GrantsAtApproval1795651200000,
    Resources1795824000000,
    SelfMadeClients1795910400000,
    AccessKeys1796200000000
];
