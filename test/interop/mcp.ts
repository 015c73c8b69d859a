import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { ClientCredentialsProvider } from '@modelcontextprotocol/sdk/client/auth-extensions.js';
import {
    auth,
    discoverAuthorizationServerMetadata,
    type OAuthClientProvider
} from '@modelcontextprotocol/sdk/client/auth.js';
import type {
    OAuthClientInformationMixed,
    OAuthClientMetadata,
    OAuthTokens
} from '@modelcontextprotocol/sdk/shared/auth.js';
import type { CreatedClient, OpenDatabase } from '../support/forum';
import { FRIGG, claimsOf, openDatabase } from '../support/forum';
import { CALLBACK, RunningForum, THREADS } from '../support/running-forum';

export const lab = Lab.script();
const { after, before, describe, it } = lab;

const SCOPE = 'offline_access READ_PUBLISHED_THREADS';

/** An application that a member registered before, and that keeps what it is told in memory. */
class Application implements OAuthClientProvider {
    readonly redirectUrl = CALLBACK;
    readonly clientMetadata: OAuthClientMetadata = { redirect_uris: [CALLBACK], scope: SCOPE };
    /** Where it sent the browser. */
    address: URL | undefined;
    kept: OAuthTokens | undefined;
    #verifier = '';

    constructor(private readonly registered: CreatedClient) {}

    state(): string {
        return 'a state of its own';
    }

    clientInformation(): OAuthClientInformationMixed {
        const { client, client_secret: secret } = this.registered;
        return { client_id: client.client_id, ...(secret && { client_secret: secret }) };
    }

    tokens(): OAuthTokens | undefined {
        return this.kept;
    }

    saveTokens(tokens: OAuthTokens): void {
        this.kept = tokens;
    }

    redirectToAuthorization(address: URL): void {
        this.address = address;
    }

    saveCodeVerifier(verifier: string): void {
        this.#verifier = verifier;
    }

    codeVerifier(): string {
        return this.#verifier;
    }

    invalidateCredentials(): void {
        this.kept = undefined;
    }
}

const FORUMS = [
    {
        name: 'a forum at the root of the origin of the server, found without its metadata',
        setting: {},
        server: '/mcp'
    },
    {
        name: 'a forum below a path, found by the metadata of the server',
        setting: { path: '/community', prefix: '/community/api', resource: '/mcp' },
        server: '/mcp'
    }
] as const;

describe('The auth client of @modelcontextprotocol/sdk', () => {
    let database: OpenDatabase;

    before(async () => {
        database = await openDatabase();
    });

    after(() => database.done());

    for (const { name, setting, server } of FORUMS) {
        describe(`at ${name}`, () => {
            let running: RunningForum;
            let serverUrl: URL;

            before(async () => {
                running = await RunningForum.start(database.dataSource, setting);
                serverUrl = new URL(server, running.origin);
            });

            after(() => running.stop());

            const authorize = async (application: Application): Promise<URLSearchParams> => {
                expect(await auth(application, { serverUrl })).to.equal('REDIRECT');
                return (await running.browser().authorize(application.address!)).searchParams;
            };

            it('discovers the forum', async () => {
                const metadata = await discoverAuthorizationServerMetadata(running.issuer);

                expect(metadata?.issuer).to.equal(running.issuer);
                expect(metadata?.code_challenge_methods_supported).to.equal(['S256']);
            });

            for (const type of ['public', 'confidential'] as const) {
                it(`completes the flow of a ${type} client, stays signed in and starts again when interrupted`, async () => {
                    const registered = await running.createApplication(type);
                    const application = new Application(registered);

                    const answer = await authorize(application);
                    expect(answer.get('state')).to.equal('a state of its own');
                    expect(await auth(application, { serverUrl, authorizationCode: answer.get('code')! })).to.equal(
                        'AUTHORIZED'
                    );

                    const first = application.kept!;
                    expect(first.scope).to.equal(SCOPE);
                    expect(claimsOf(first.access_token)).to.include({
                        sub: FRIGG,
                        aud: 'resource' in setting ? serverUrl.href : running.issuer
                    });
                    expect(await readThreads(running, first)).to.equal({ reader: FRIGG });

                    expect(await auth(application, { serverUrl })).to.equal('AUTHORIZED');
                    const second = application.kept!;
                    expect(second.refresh_token).to.not.equal(first.refresh_token);
                    expect(await readThreads(running, second)).to.equal({ reader: FRIGG });

                    await running.forum.server.plugins['hapi-forum-oauth'].tokens.revokeClient(
                        FRIGG,
                        registered.client.id
                    );
                    expect(await auth(application, { serverUrl })).to.equal('REDIRECT');
                    expect(application.kept).to.be.undefined();
                });
            }

            it('completes client credentials', async () => {
                const bot = await running.createApplication('confidential', {
                    redirect_uris: [],
                    allowed_grants: ['client_credentials'],
                    allowed_scopes: ['READ_PUBLISHED_THREADS']
                });
                const provider = new ClientCredentialsProvider({
                    clientId: bot.client.client_id,
                    clientSecret: bot.client_secret,
                    expectedIssuer: running.issuer
                });

                expect(await auth(provider, { serverUrl })).to.equal('AUTHORIZED');

                expect(await readThreads(running, provider.tokens()!)).to.equal({ reader: FRIGG });
            });
        });
    }
});

async function readThreads(running: RunningForum, { access_token: accessToken }: OAuthTokens): Promise<unknown> {
    const response = await fetch(new URL(THREADS, running.origin), {
        headers: { authorization: `Bearer ${accessToken}` }
    });
    return response.json();
}
