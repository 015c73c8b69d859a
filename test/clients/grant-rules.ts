import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { checkGrants, DEVICE_CODE_GRANT, type GrantFields } from '../../plugin/clients/grant-rules';
import { refusal } from '../support/refusal';

const lab = Lab.script();
export { lab };
const { describe, it } = lab;

describe('the grant types of a client', () => {
    const check = (fields: Partial<GrantFields>): string | null =>
        refusal(() => checkGrants({ type: 'public', grants: [], ...fields }));

    it('are at least one, and all known', () => {
        expect(check({})).to.equal('allowed_grants known');
        for (const grant of ['implicit', 'password', 'Authorization_Code', 'refresh_token ', 'toString', '']) {
            expect(check({ grants: [DEVICE_CODE_GRANT, grant] }), grant).to.equal('allowed_grants known');
        }
    });

    it('can be combined in every way that makes sense', () => {
        const confidential = { type: 'confidential' } as const;
        expect(check({ grants: [DEVICE_CODE_GRANT] })).to.be.null();
        expect(check({ grants: [DEVICE_CODE_GRANT, 'refresh_token'] })).to.be.null();
        expect(check({ grants: ['authorization_code'], pkceRequired: true })).to.be.null();
        expect(check({ ...confidential, grants: ['authorization_code'] })).to.be.null();
        expect(check({ ...confidential, grants: ['authorization_code'], pkceRequired: false })).to.be.null();
        expect(check({ ...confidential, grants: ['client_credentials'] })).to.be.null();
        expect(
            check({ ...confidential, grants: ['authorization_code', 'client_credentials', 'refresh_token'] })
        ).to.be.null();
    });

    it('need a confidential client for client credentials and a public one for device codes', () => {
        expect(check({ grants: ['client_credentials'] })).to.equal('allowed_grants confidential');
        expect(check({ type: 'confidential', grants: [DEVICE_CODE_GRANT] })).to.equal('allowed_grants public');
    });

    it('include refresh_token only beside a grant type that yields refresh tokens', () => {
        expect(check({ grants: ['refresh_token'] })).to.equal('allowed_grants refresh_token');
        expect(check({ type: 'confidential', grants: ['client_credentials', 'refresh_token'] })).to.equal(
            'allowed_grants refresh_token'
        );
    });

    it('need PKCE for a public client with authorization_code', () => {
        for (const pkceRequired of [undefined, false]) {
            expect(check({ grants: ['authorization_code'], pkceRequired })).to.equal('pkce_required public');
        }
    });
});
