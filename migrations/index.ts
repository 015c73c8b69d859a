import { CreateOAuthTables1793000000000 } from './1793000000000-create-oauth-tables';

/** Every migration, for the `migrations` of the host's DataSource. */
export const migrations = [CreateOAuthTables1793000000000];
