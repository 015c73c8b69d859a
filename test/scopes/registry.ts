import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { FORUM_PERMISSIONS } from '../../plugin';
import {
    covers,
    expand,
    heldPermissions,
    holds,
    isPermission,
    isScope,
    isStandardScope,
    STANDARD_SCOPES,
    type ScopeRegistry
} from '../../plugin/scopes/registry';

const lab = Lab.script();
export { lab };
const { describe, it } = lab;

const words: ScopeRegistry = { permissions: ['READ', 'WRITE', 'ROOT', 'BAN'], administrator: 'ROOT' };

describe('the registry of scopes', () => {
    it('is the standard scopes and every permission', () => {
        expect([...STANDARD_SCOPES]).to.equal(['openid', 'profile', 'email', 'offline_access']);
        for (const name of [...STANDARD_SCOPES, ...words.permissions]) {
            expect(isScope(words, name)).to.be.true();
            expect(isStandardScope(name)).to.equal(!isPermission(words, name));
        }
        for (const name of ['', 'read', 'OPENID', 'address', 'phone', '__proto__', 'constructor', 'READ ']) {
            expect(isScope(words, name), name).to.be.false();
        }
    });

    it('has the 34 permissions of the forum, once each', () => {
        expect(FORUM_PERMISSIONS).to.have.length(34);
        expect(new Set(FORUM_PERMISSIONS).size).to.equal(34);
        expect(FORUM_PERMISSIONS).to.include(['CREATE_POST', 'USE_OAUTH_CLIENTS', 'MANAGE_TRAILS', 'ADMINISTRATOR']);
    });
});

describe('the wildcard', () => {
    it('stands for every permission, itself included, and for no standard scope', () => {
        for (const name of words.permissions) {
            expect(covers(words, ['ROOT'], name), name).to.be.true();
        }
        for (const name of STANDARD_SCOPES) {
            expect(covers(words, ['ROOT'], name), name).to.be.false();
        }
    });

    it('is not had by someone who has everything else', () => {
        expect(covers(words, ['READ', 'WRITE', 'BAN'], 'ROOT')).to.be.false();
    });

    it('is whatever permission the forum says', () => {
        expect(covers(words, ['ADMINISTRATOR'], 'READ')).to.be.false();
        expect(holds(words, ['ADMINISTRATOR'], 'READ')).to.be.false();
        expect(holds(words, ['ROOT'], 'READ')).to.be.true();
        expect(holds(words, ['READ'], 'READ')).to.be.true();
        expect(holds(words, ['WRITE'], 'READ')).to.be.false();
    });

    it('is spelled out for credentials, standard scopes first and permissions in the order of the registry', () => {
        expect(expand(words, ['BAN', 'openid', 'ROOT'])).to.equal(['openid', 'READ', 'WRITE', 'ROOT', 'BAN']);
        expect(expand(words, ['BAN', 'openid', 'READ'])).to.equal(['BAN', 'openid', 'READ']);
    });
});

describe('what an account holds', () => {
    it('is what the host lists, in the order of the registry, once each', () => {
        expect(heldPermissions(words, ['BAN', 'READ', 'BAN'])).to.equal(['READ', 'BAN']);
    });

    it('is never an unknown name, a standard scope or what the wildcard stands for', () => {
        expect(heldPermissions(words, ['openid', 'FLY', 'ROOT'])).to.equal(['ROOT']);
    });
});
