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
    revokeToken: [createId(START)],
    listAccessKeys: [],
    deleteAccessKey: [createId(START)],
    revokeAll: [{ accountId: 'nobody' }]
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

    it('checks what the host passes, as the endpoints do', async () => {
        const { admin, clients, tokens } = api();
        const { client } = await clients.create(FRIGG, {
            name: 'A bot',
            type: 'confidential',
            allowed_grants: ['client_credentials'],
            allowed_scopes: []
        });
        const any = (value: unknown): never => value as never;
        for (const overlap of [1e9, -1, 1.5, NaN, any('60'), any(null)]) {
            expect(await codeOf(clients.rotateSecret(FRIGG, client.id, overlap))).to.equal('400 invalid_request');
        }
        for (const page of [0, -1, 1.5, NaN, any('1'), any(null)]) {
            expect(await codeOf(clients.list(FRIGG, { page })), String(page)).to.equal('400 invalid_request');
            expect(await codeOf(tokens.list(FRIGG, { page }))).to.equal('400 invalid_request');
            expect(await codeOf(admin.listClients(ODIN, { page }))).to.equal('400 invalid_request');
            expect(await codeOf(admin.listDeviceAuthorizations(ODIN, page))).to.equal('400 invalid_request');
            expect(await codeOf(admin.listTokens(ODIN, { page }))).to.equal('400 invalid_request');
        }
        for (const input of [null, 'x', [], {}, { ...client, name: 1 }, { ...client, allowed_scopes: 'openid' }]) {
            expect(await codeOf(clients.create(FRIGG, any(input)))).to.equal('400 invalid_request');
            expect(await codeOf(admin.createClient(ODIN, any(input)))).to.equal('400 invalid_request');
        }
        expect(await codeOf(clients.update(FRIGG, client.id, any({ name: {} })))).to.equal('400 invalid_request');
        expect(await codeOf(admin.updateClient(ODIN, client.id, any({ status: 1 })))).to.equal('400 invalid_request');
        for (const filter of [{}, undefined, { accountId: 1 }, { accountId: 'x'.repeat(129) }]) {
            expect(await codeOf(admin.revokeAll(ODIN, any(filter)))).to.equal('400 invalid_request');
        }
        // More than a member may set is left out, as a host may pass on all that a form has.
        const created = await clients.create(FRIGG, any({ ...client, verified: true, client_id: 'chosen' }));
        expect(created.client.verified).to.be.false();
        expect(created.client.client_id).not.to.equal('chosen');
    });
});
