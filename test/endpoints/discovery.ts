import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { FORUM_PERMISSIONS, generateSigningKey } from '../../plugin/index';
import { basic, DEVICE_CODE, Forum, FRIGG, ISSUER, openDatabase } from '../support/forum';
import { useDatabase, useForum } from '../support/setup';

const lab = Lab.script();
export { lab };
const { describe, it } = lab;

const DOCUMENTS = ['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server'];

const BY_SECRET = ['client_secret_basic', 'client_secret_post'];

describe('the discovery documents', () => {
    const database = useDatabase(lab, 'embedded');
    const forum = useForum(lab, { database });

    it('list all that the server supports and nothing else', async () => {
        for (const path of DOCUMENTS) {
            const { status, headers, body } = await forum.as(null, 'GET', path);
            const { grant_types_supported: grants, ...document } = body;
            expect(status).to.equal(200);
            expect(headers['content-type']).to.match(/^application\/json\b/);
            expect(document).to.equal({
                issuer: ISSUER,
                authorization_endpoint: `${ISSUER}/api/oauth/authorize`,
                token_endpoint: `${ISSUER}/api/oauth/token`,
                device_authorization_endpoint: `${ISSUER}/api/oauth/device_authorization`,
                userinfo_endpoint: `${ISSUER}/api/oauth/userinfo`,
                revocation_endpoint: `${ISSUER}/api/oauth/revoke`,
                introspection_endpoint: `${ISSUER}/api/oauth/introspect`,
                jwks_uri: `${ISSUER}/api/oauth/jwks`,
                // All but the administrator's: some clients request whatever is listed.
                scopes_supported: [
                    'openid',
                    'profile',
                    'email',
                    'offline_access',
                    ...FORUM_PERMISSIONS.filter((name) => name !== 'ADMINISTRATOR')
                ],
                response_types_supported: ['code'],
                response_modes_supported: ['query'],
                code_challenge_methods_supported: ['S256'],
                token_endpoint_auth_methods_supported: ['none', ...BY_SECRET],
                revocation_endpoint_auth_methods_supported: ['none', ...BY_SECRET],
                introspection_endpoint_auth_methods_supported: BY_SECRET,
                authorization_response_iss_parameter_supported: true,
                request_parameter_supported: false,
                request_uri_parameter_supported: false,
                subject_types_supported: ['public'],
                id_token_signing_alg_values_supported: ['RS256']
            });
            expect(grants.sort()).to.equal(['authorization_code', 'client_credentials', 'refresh_token', DEVICE_CODE]);
        }
    });

    it('list endpoints that exist', async () => {
        const { body } = await forum.as(null, 'GET', DOCUMENTS[0]!);
        const methods: Record<string, string> = {
            authorization_endpoint: 'get',
            userinfo_endpoint: 'get',
            jwks_uri: 'get'
        };
        const addresses = Object.entries(body as Record<string, string>).filter(([name]) =>
            /_(endpoint|uri)$/.test(name)
        );
        expect(addresses.length).to.be.above(5);
        for (const [name, address] of addresses) {
            const { origin, pathname } = new URL(address);
            expect(origin).to.equal(ISSUER);
            const route = forum.server.match((methods[name] ?? 'post') as 'get', pathname);
            expect(route?.realm.plugin, name).to.equal('hapi-forum-oauth');
        }
    });

    it('list the grant types that the token endpoint supports, and no others', async () => {
        const { body } = await forum.as(null, 'GET', DOCUMENTS[0]!);
        const { client, client_secret: secret } = await forum.createClient(FRIGG);
        for (const grant of body.grant_types_supported as string[]) {
            const answer = await forum.token({ grant_type: grant }, basic(client.client_id, secret));
            expect(answer.body.error, grant).to.not.equal('unsupported_grant_type');
        }
        for (const grant of [
            'password',
            'implicit',
            'urn:ietf:params:oauth:grant-type:jwt-bearer',
            'CLIENT_CREDENTIALS'
        ]) {
            const answer = await forum.token({ grant_type: grant }, basic(client.client_id, secret));
            expect(answer.body.error, grant).to.equal('unsupported_grant_type');
        }
    });

    it('list the algorithms of all published keys, and the permissions of this forum', async () => {
        const other = await Forum.create(database.dataSource, {
            signingKeys: [await generateSigningKey('ES256'), await generateSigningKey('EdDSA')],
            permissions: { all: ['SWIM', 'FLY'] }
        });
        const { body } = await other.as(null, 'GET', DOCUMENTS[0]!);
        expect(body.id_token_signing_alg_values_supported).to.equal(['ES256', 'EdDSA']);
        expect(body.scopes_supported.slice(4)).to.equal(['SWIM', 'FLY']);
        await other.stop();
    });

    it('may be cached by anyone for an hour', async () => {
        for (const path of DOCUMENTS) {
            const { headers } = await forum.as(null, 'GET', path);
            expect(headers['cache-control']).to.equal('public, max-age=3600');
            expect(headers.pragma).to.be.undefined();
        }
    });

    it('need no session, take any query and set no cookie', async () => {
        for (const path of DOCUMENTS) {
            for (const cookie of ['session=odin0000000000000000', 'session="broken', '\u0001']) {
                const { status, headers } = await forum.as(null, 'GET', `${path}?a=1&a=2&%00`, undefined, { cookie });
                expect(status, path).to.equal(200);
                expect(headers['set-cookie']).to.be.undefined();
            }
        }
    });

    it('come whole, whatever range is asked for', async () => {
        for (const path of DOCUMENTS) {
            const whole = await forum.as(null, 'GET', path);
            for (const range of ['bytes=0-1', 'bytes=99999-', '%ff']) {
                const answer = await forum.as(null, 'GET', path, undefined, { range });
                expect([answer.status, answer.text]).to.equal([200, whole.text]);
            }
        }
    });

    it('need neither the database nor an account', async () => {
        const finds = forum.finds;
        const { dataSource } = await openDatabase('embedded');
        const other = await Forum.create(dataSource);
        await dataSource.destroy();
        for (const path of DOCUMENTS) {
            expect((await other.as(null, 'GET', path)).status).to.equal(200);
        }
        expect(other.finds).to.equal(0);
        expect(forum.finds).to.equal(finds);
        await other.stop();
    });
});
