import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { ODIN } from '../support/forum';
import { expectError } from '../support/management';
import { useDatabase, useForum } from '../support/setup';

const lab = Lab.script();
export { lab };
const { describe, it } = lab;

const DEVICES = '/admin/oauth/device-authorizations';

describe('the administrators\u2019 endpoint for device authorizations', () => {
    const database = useDatabase(lab);
    const forum = useForum(lab, { database });

    it('lists device authorizations in pages', async () => {
        const { user_code: code } = await forum.device();
        const { status, body } = await forum.as(ODIN, 'GET', `${DEVICES}?page=1`);
        expect(status).to.equal(200);
        expect(body).to.include(['page_size', 'results', 'total_pages', 'current_page', 'device_authorisations']);
        expect(body.device_authorisations.map(({ user_code: each }: { user_code: string }) => each)).to.include(code);
        const beyond = await forum.as(ODIN, 'GET', `${DEVICES}?page=999999999`);
        expect([beyond.status, beyond.body.device_authorisations]).to.equal([200, []]);
    });

    it('refuses a malformed query', async () => {
        for (const query of ['page=-1', 'status=active']) {
            expectError(await forum.as(ODIN, 'GET', `${DEVICES}?${query}`), 400, 'invalid_request', query);
        }
    });
});
