import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import type { ManagementError, OAuthError } from '../plugin';
import type { Context } from '../plugin/context';
import type { Account } from '../plugin/options/options';
import {
    isAdministrator,
    mayAuthorize,
    mayManageClients,
    requireAdministrator,
    requireMayAuthorize,
    requireMayManageClients
} from '../plugin/policy';

const lab = Lab.script();
export { lab };
const { describe, it } = lab;

function contextWith(permissions: object): Context {
    return {
        settings: { permissions: { authorizeClients: 'AUTHORIZE', ...permissions } },
        scopeRegistry: { permissions: ['AUTHORIZE', 'MANAGE', 'ROOT'], administrator: 'ROOT' }
    } as unknown as Context;
}

function accountWith(...permissions: string[]): Account {
    return { id: 'a', handle: 'a', name: 'A', permissions };
}

/** The status and the code that a check throws. */
function thrown(check: () => void): unknown[] {
    try {
        check();
        return [];
    } catch (error) {
        const { output, error: code } = error as ManagementError | OAuthError;
        return [output.statusCode, code];
    }
}

describe('the policy', () => {
    const context = contextWith({ manageClients: 'MANAGE' });

    it('lets an account approve applications with permissions.authorizeClients', () => {
        expect(mayAuthorize(context, accountWith('AUTHORIZE'))).to.be.true();
        expect(mayAuthorize(context, accountWith('ROOT'))).to.be.true();
        expect(mayAuthorize(context, accountWith('MANAGE', 'authorize'))).to.be.false();
        expect(thrown(() => requireMayAuthorize(context, accountWith('AUTHORIZE')))).to.equal([]);
        expect(thrown(() => requireMayAuthorize(context, accountWith()))).to.equal([400, 'access_denied']);
    });

    it('lets an account manage its own applications with permissions.manageClients', () => {
        expect(mayManageClients(context, accountWith('MANAGE'))).to.be.true();
        expect(mayManageClients(context, accountWith('ROOT'))).to.be.true();
        expect(mayManageClients(context, accountWith('AUTHORIZE'))).to.be.false();
        expect(thrown(() => requireMayManageClients(context, accountWith('MANAGE')))).to.equal([]);
        expect(thrown(() => requireMayManageClients(context, accountWith()))).to.equal([403, 'forbidden']);
    });

    it('lets every account manage its own applications where permissions.manageClients is not set', () => {
        expect(mayManageClients(contextWith({}), accountWith())).to.be.true();
    });

    it('takes an account with permissions.administrator for an administrator, and no other', () => {
        expect(isAdministrator(context, accountWith('ROOT'))).to.be.true();
        expect(isAdministrator(context, accountWith('AUTHORIZE', 'MANAGE', 'root', 'ADMINISTRATOR'))).to.be.false();
        expect(thrown(() => requireAdministrator(context, accountWith('ROOT')))).to.equal([]);
        expect(thrown(() => requireAdministrator(context, accountWith()))).to.equal([403, 'forbidden']);
    });
});
