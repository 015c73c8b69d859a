import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { checkScopes } from '../../plugin/clients/scope-rules';
import { FORUM_PERMISSIONS } from '../../plugin/options/forum-permissions';
import { refusal } from '../support/refusal';

const lab = Lab.script();
export { lab };
const { describe, it } = lab;

describe('the scopes of a client', () => {
    const registry = { permissions: FORUM_PERMISSIONS, administrator: 'ADMINISTRATOR' };

    it('are standard scopes and permissions, spelled exactly', () => {
        const all = ['openid', 'profile', 'email', 'offline_access', ...FORUM_PERMISSIONS];
        expect(refusal(() => checkScopes(registry, all))).to.be.null();
        expect(refusal(() => checkScopes(registry, []))).to.be.null();
        for (const name of ['create_post', 'OPENID', 'CREATE_POST ', 'CREATE_POST READ_PROFILE', '', 'constructor']) {
            expect(
                refusal(() => checkScopes(registry, ['openid', name])),
                name
            ).to.equal('allowed_scopes known');
        }
    });
});
