import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import type { ForumOAuth, ManagementError } from '../plugin';
import { createId } from '../plugin/ids';
import { FRIGG, ODIN, START } from './support/forum';
import { useForum } from './support/setup';

const lab = Lab.script();
export { lab };
const { describe, it } = lab;

type Call = (...parameters: unknown[]) => Promise<unknown>;

/** What follows the acting account in a call of each administrators' function. */
const PARAMETERS: Record<keyof ForumOAuth['admin'], unknown[]> = {
    listClients: [],
    createClient: [{ name: 'Bot', type: 'public', allowed_grants: [], allowed_scopes: [] }],
    getClient: [createId(START)],
    updateClient: [createId(START), { name: 'Bot' }],
    deleteClient: [createId(START)],
    listDeviceAuthorizations: [],
    listTokens: [],
    revokeToken: [createId(START)]
};

describe('server.plugins', () => {
    const forum = useForum(lab);
    const api = (): ForumOAuth => forum.server.plugins['hapi-forum-oauth'];

    const codeOf = async (call: Promise<unknown>): Promise<string> =>
        call.then(
            () => 'none',
            (error: ManagementError) => `${error.output.statusCode} ${error.error}`
        );

    it('has a test for each administrators\u2019 function', () => {
        expect(Object.keys(api().admin).sort()).to.equal(Object.keys(PARAMETERS).sort());
    });

    for (const [name, parameters] of Object.entries(PARAMETERS)) {
        const call = (accountId: string): Promise<unknown> =>
            (api().admin as unknown as Record<string, Call>)[name]!(accountId, ...parameters);

        it(`refuses an account that is no administrator: admin.${name}`, async () => {
            expect(await codeOf(call(FRIGG))).to.equal('403 forbidden');
            expect(await codeOf(call('nobody'))).to.equal('401 unauthorized');
            // An administrator gets as far as the function itself.
            expect(['none', '400 invalid_request', '404 not_found']).to.include(await codeOf(call(ODIN)));
        });
    }
});
