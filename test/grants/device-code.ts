import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { CLI, DEVICE_CODE, Forum, FRIGG, openDatabase, type OpenDatabase } from '../support/forum';

const lab = Lab.script();
export { lab };
const { after, before, describe, it } = lab;

describe('the device flow', () => {
    let forum: Forum;
    let database: OpenDatabase;

    before(async () => {
        database = await openDatabase();
        forum = await Forum.create(database.dataSource);
    });

    after(async () => {
        await forum.stop();
        await database.done();
    });

    it('leads from an empty database to tokens', async () => {
        const device = await forum.device();
        const poll = { grant_type: DEVICE_CODE, client_id: CLI.client_id, device_code: device.device_code };
        const pending = await forum.token(poll);
        expect(pending.body.error, pending.text).to.equal('authorization_pending');

        const shown = await forum.as(FRIGG, 'GET', `/oauth/device/consent?user_code=${device.user_code}`);
        expect(shown.status, shown.text).to.equal(200);
        expect(shown.body.client_name).to.equal('Storyden');
        const decided = await forum.decide(FRIGG, device.user_code);
        expect(decided.body).to.equal({ status: 'approved' });

        const tokens = await forum.token(poll);
        expect(tokens.status, tokens.text).to.equal(200);
        expect(tokens.body.scope).to.equal(
            'openid profile offline_access CREATE_POST READ_PUBLISHED_THREADS CREATE_REACTION READ_PROFILE USE_OAUTH_CLIENTS'
        );
        const refreshed = await forum.refresh(tokens.body.refresh_token as string);
        expect(refreshed.status, refreshed.text).to.equal(200);
        expect((await forum.token(poll)).body.error).to.equal('invalid_grant');
        const list = await forum.as(FRIGG, 'GET', '/auth/oauth/tokens');
        expect(list.body.tokens.length).to.equal(2);
    });
});
