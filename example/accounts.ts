import type { DataSource, Repository } from 'typeorm';
import * as OAuth from '../plugin';
import { Account, Role } from './entities';
import { hashPassword, isPassword } from './passwords';

/** Everybody's. */
export const PASSWORD = 'password';

const SEED = [
    { id: 'cc5lnd2s1s4652adtu50', handle: 'odin', name: 'Odin', role: 'Administrator', permissions: ['ADMINISTRATOR'] },
    {
        id: 'cc5lnd2s1s4652adtu5g',
        handle: 'frigg',
        name: 'Frigg',
        role: 'Member',
        permissions: ['CREATE_POST', 'READ_PUBLISHED_THREADS', 'CREATE_REACTION', 'READ_PROFILE', 'USE_OAUTH_CLIENTS']
    },
    {
        id: 'cc5lnd2s1s4652adtu60',
        handle: 'loki',
        name: 'Loki',
        role: 'Guest',
        permissions: ['READ_PUBLISHED_THREADS']
    }
];

/**
 * The members of the forum.
 *
 * On the embedded database the plugin and the forum share one connection, and so one transaction if either begins one.
 * Here everything is therefore written in single statements: `insert` and `update`, never `save`, which begins a
 * transaction. A forum on a database server is free to do as it likes.
 */
export class Accounts {
    readonly #accounts: Repository<Account>;
    readonly #roles: Repository<Role>;
    /** Compared with where there is no account, so that the time taken does not tell. */
    readonly #nobody = hashPassword('');

    constructor(dataSource: DataSource) {
        this.#accounts = dataSource.getRepository(Account);
        this.#roles = dataSource.getRepository(Role);
    }

    /** Adds the accounts that are not there yet. */
    async seed(): Promise<void> {
        for (const { id, handle, name, role, permissions } of SEED) {
            if (await this.#accounts.existsBy({ id })) {
                continue;
            }
            const account = { id, handle, name, email: `${handle}@forum.example`, suspended: false, roleId: id };
            const passwordHash = await hashPassword(PASSWORD);
            await this.#roles
                .createQueryBuilder()
                .insert()
                .values({ id, name: role, permissions })
                .orIgnore()
                .execute();
            await this.#accounts
                .createQueryBuilder()
                .insert()
                .values({ ...account, passwordHash })
                .orIgnore()
                .execute();
        }
    }

    all(): Promise<Account[]> {
        return this.#accounts.find({ relations: { role: true }, order: { id: 'ASC' } });
    }

    /** An account that may act, as the plugin asks for it; null for one that is unknown or suspended. */
    async find(id: string): Promise<OAuth.Account | null> {
        const account = await this.#accounts.findOne({ where: { id, suspended: false }, relations: { role: true } });
        return account && describeAccount(account);
    }

    /** The account of that handle and password; null where they do not match, or it is suspended. */
    async signIn(handle: string, password: string): Promise<OAuth.Account | null> {
        const account = await this.#accounts.findOne({ where: { handle }, relations: { role: true } });
        const matches = await isPassword(password, account?.passwordHash ?? (await this.#nobody));
        return account && matches && !account.suspended ? describeAccount(account) : null;
    }

    /** @returns the account as it is then; null where there is none */
    async setPermissions(handle: string, permissions: string[]): Promise<OAuth.Account | null> {
        const account = await this.#accounts.findOneBy({ handle });
        if (!account) {
            return null;
        }
        await this.#roles.update({ id: account.roleId }, { permissions });
        return describeAccount(await this.#accounts.findOneOrFail({ where: { handle }, relations: { role: true } }));
    }

    /** @returns false where there is no such account */
    async suspend(handle: string): Promise<boolean> {
        const { affected } = await this.#accounts.update({ handle }, { suspended: true });
        return affected !== 0;
    }
}

function describeAccount({ id, handle, name, email, role }: Account): OAuth.Account {
    return { id, handle, name, permissions: role.permissions, email: { address: email, verified: true } };
}

/** All that an account with these permissions may do: an administrator may do everything. */
export function effectivePermissions(permissions: readonly string[]): string[] {
    return [...(permissions.includes('ADMINISTRATOR') ? OAuth.FORUM_PERMISSIONS : permissions)];
}
