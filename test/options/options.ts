import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { DataSource } from 'typeorm';
import { entities, FORUM_PERMISSIONS, type Accounts, type Options } from '../../plugin/index';
import { readOptions } from '../../plugin/options/read-options';
import { embeddedDatabase } from '../support/database';
import { openDatabase, signingKey, type OpenDatabase } from '../support/forum';

const lab = Lab.script();
export { lab };
const { after, before, describe, it } = lab;

describe('the options', () => {
    let database: OpenDatabase;
    let required: Options;

    before(async () => {
        database = await openDatabase('embedded');
        required = {
            issuer: 'https://forum.example',
            dataSource: database.dataSource,
            accounts: { find: () => Promise.resolve(null) },
            session: { strategy: 'session' },
            signingKeys: [await signingKey()]
        };
    });

    after(() => database.done());

    /** The message for the required options with one of them, named by its path, replaced. */
    function refusal(path: string, value: unknown): string {
        const [name, inner] = path.split('.') as [keyof Options, string | undefined];
        const replaced = inner === undefined ? value : { ...(required[name] as object | undefined), [inner]: value };
        try {
            readOptions({ ...required, [name]: replaced });
        } catch (error) {
            return (error as Error).message;
        }
        throw new Error(`${path}: ${JSON.stringify(value)} was accepted`);
    }

    const accepts = (options: Partial<Options>) => readOptions({ ...required, ...options });

    it('have the defaults that are documented', () => {
        const { dataSource, accounts, clock, secrets, session, signingKeys, ...settings } = readOptions(required);
        expect(dataSource).to.shallow.equal(required.dataSource);
        expect(accounts).to.shallow.equal(required.accounts);
        expect(signingKeys).to.equal(required.signingKeys);
        expect(secrets).to.equal([Buffer.from(required.signingKeys[0]!.d!)]);
        expect(Math.abs(clock() - Date.now())).to.be.below(1000);
        expect(session.strategies).to.equal(['session']);
        expect(session.accountId({ accountId: 'odin' })).to.equal('odin');
        expect(session.authTime).to.be.undefined();
        expect(session.origins).to.equal(['https://forum.example']);
        expect(settings).to.equal({
            issuer: 'https://forum.example',
            origin: 'https://forum.example',
            permissions: {
                all: FORUM_PERMISSIONS,
                administrator: 'ADMINISTRATOR',
                authorizeClients: 'USE_OAUTH_CLIENTS',
                useAccessKeys: 'USE_PERSONAL_ACCESS_KEYS'
            },
            audience: 'https://forum.example',
            resources: [],
            advertisedScopes: [
                'openid',
                'profile',
                'email',
                'offline_access',
                ...FORUM_PERMISSIONS.filter((name) => name !== 'ADMINISTRATOR')
            ],
            unknownScopes: 'refuse',
            registration: false,
            clientMetadataDocuments: false,
            lifetimes: {
                accessToken: 900,
                refreshToken: 2592000,
                authorizationCode: 600,
                deviceCode: 600,
                devicePollInterval: 5,
                refreshRetryWindow: 60
            },
            urls: {
                login: 'https://forum.example/login',
                authorizationConsent: 'https://forum.example/oauth/authorize/consent',
                deviceConsent: 'https://forum.example/oauth/consent',
                loginReturnParameter: 'return_to'
            },
            firstPartyClients: [{ clientId: 'storyden-cli', name: 'Storyden' }],
            redirectSchemes: [],
            accessKeys: false,
            bearer: { permissions: 'token', challengeScope: [] },
            limits: {
                deviceAuthorization: { points: 6000, seconds: 60 },
                refresh: { points: 30000, seconds: 60 },
                clientAuthentication: { points: 300, seconds: 60 },
                clientCredentials: { points: 600, seconds: 60 },
                authorize: { points: 120, seconds: 60 },
                registration: { points: 600, seconds: 60 },
                userCode: { points: 100, seconds: 600 }
            },
            caps: {
                clientsPerAccount: 100,
                pendingPerAccountAndClient: 20,
                grantsPerAccountAndClient: 100,
                pendingDevicesPerAddress: 100,
                accessKeysPerAccount: 100
            }
        });
    });

    it('have defaults on the origin of an issuer with a path, and the whole issuer for the audience', () => {
        const settings = accepts({ issuer: 'https://forum.example/p' });
        expect(settings.origin).to.equal('https://forum.example');
        expect(settings.audience).to.equal('https://forum.example/p');
        expect(settings.urls.login).to.equal('https://forum.example/login');
    });

    it('let the origins of the consent pages use the session where none are named, once each', () => {
        const urls = { login: 'https://id.example/in', deviceConsent: 'https://app.example/device?theme=dark' };
        expect(accepts({ urls }).session.origins).to.equal(['https://forum.example', 'https://app.example']);
        const session = { strategy: 'session', origins: ['https://app.example:8443'] };
        expect(accepts({ urls, session }).session.origins).to.equal(['https://app.example:8443']);
        expect(accepts({ session: { strategy: 'session', origins: [] } }).session.origins).to.equal([]);
    });

    it('keep the other defaults of a group in which one is given', () => {
        expect(accepts({ lifetimes: { accessToken: 60 } }).lifetimes).to.include({
            accessToken: 60,
            refreshToken: 2592000,
            refreshRetryWindow: 60
        });
        const urls = { login: 'https://forum.example/in' };
        expect(accepts({ urls }).urls.deviceConsent).to.equal('https://forum.example/oauth/consent');
        const limits = { refresh: { points: 5 }, deviceAuthorization: { seconds: 5 } };
        expect(accepts({ limits }).limits).to.include({
            refresh: { points: 5, seconds: 60 },
            deviceAuthorization: { points: 6000, seconds: 5 },
            userCode: { points: 100, seconds: 600 }
        });
        expect(accepts({ permissions: { manageClients: 'BUILD' } }).permissions.administrator).to.equal(
            'ADMINISTRATOR'
        );
    });

    it('do not lose a default to an undefined', () => {
        const settings = accepts({
            audience: undefined,
            jobs: undefined,
            lifetimes: { accessToken: undefined, refreshRetryWindow: undefined },
            urls: { login: undefined }
        });
        expect(settings.lifetimes.accessToken).to.equal(900);
        expect(settings.lifetimes.refreshRetryWindow).to.equal(60);
        expect(settings.audience).to.equal('https://forum.example');
        expect(settings.urls.login).to.equal('https://forum.example/login');
    });

    it('take every value that is documented', () => {
        expect(accepts({ session: { strategy: ['session', 'legacy'] } }).session.strategies).to.equal([
            'session',
            'legacy'
        ]);
        expect(accepts({ lifetimes: { refreshRetryWindow: 0 } }).lifetimes.refreshRetryWindow).to.equal(0);
        expect(accepts({ lifetimes: { refreshRetryWindow: 'until-used' } }).lifetimes.refreshRetryWindow).to.equal(
            'until-used'
        );
        expect(accepts({ lifetimes: { refreshChain: 86400 } }).lifetimes.refreshChain).to.equal(86400);
        expect(accepts({ bearer: { permissions: 'current' } }).bearer.permissions).to.equal('current');
        expect(accepts({ jobs: 'in-process' }).jobs).to.equal('in-process');
        expect(accepts({ firstPartyClients: [] }).firstPartyClients).to.equal([]);
        expect(accepts({ clock: () => 5 }).clock()).to.equal(5);
        const authTime = () => 5;
        const session = { strategy: 'session', authTime, accountId: ({ id }: Record<string, unknown>) => id as string };
        expect(accepts({ session }).session.authTime).to.shallow.equal(authTime);
        expect(accepts({ session }).session.accountId({ id: 'thor' })).to.equal('thor');
    });

    it('add the wildcard to a list of permissions without it, and leave it where it is listed', () => {
        expect(accepts({ permissions: { all: ['READ'] } }).permissions.all).to.equal(['READ', 'ADMINISTRATOR']);
        expect(accepts({ permissions: { all: ['ROOT', 'READ'], administrator: 'ROOT' } }).permissions.all).to.equal([
            'ROOT',
            'READ'
        ]);
    });

    it('take an issuer on any origin that keeps its secrets, exactly as it is written', () => {
        for (const issuer of [
            'https://forum.example',
            'https://forum.example:8443',
            'https://forum.example/p',
            'https://forum.example/p/q',
            'http://localhost:3000',
            'http://127.0.0.1:3000',
            'http://127.8.7.6',
            'http://[::1]:3000'
        ]) {
            expect(accepts({ issuer }).issuer).to.equal(issuer);
        }
    });

    it('turn limits off, all of them or one', () => {
        const off = {
            deviceAuthorization: false,
            refresh: false,
            clientAuthentication: false,
            clientCredentials: false,
            authorize: false,
            registration: false,
            userCode: false
        } as const;
        expect(accepts({ limits: false }).limits).to.equal(off);
        expect(accepts({ limits: { refresh: false } }).limits).to.include({
            refresh: false,
            clientAuthentication: { points: 300, seconds: 60 }
        });
    });

    describe('stop the registration', () => {
        it('when there are none', () => {
            for (const [options, got] of [
                [undefined, 'nothing'],
                [null, 'null'],
                ['x', 'a string'],
                [[], 'an array']
            ] as const) {
                const error = expect(() => readOptions(options)).to.throw(Error);
                expect(error.message).to.match(
                    /^hapi-forum-oauth: "options" (is required|must be of type object), but/
                );
                expect(error.message).to.contain(`but got ${got}`);
            }
        });

        it('when a required one is missing', () => {
            for (const path of ['issuer', 'dataSource', 'accounts', 'session', 'session.strategy', 'signingKeys']) {
                expect(refusal(path, undefined)).to.equal(`hapi-forum-oauth: "${path}" is required, but got nothing`);
            }
        });

        it('when one is unknown, and name it', () => {
            for (const path of [
                'isuer',
                'session.strategies',
                'permissions.admin',
                'lifetimes.acessToken',
                'urls.consent',
                'bearer.scope',
                'limits.refreshes'
            ]) {
                expect(refusal(path, 5)).to.startWith(`hapi-forum-oauth: "${path}" is not allowed, but got a number`);
            }
            expect(refusal('firstPartyClients', [{ clientId: 'a', name: 'A', secret: 'x' }])).to.contain(
                '"firstPartyClients[0].secret" is not allowed'
            );
        });

        it('when the issuer is malformed', () => {
            for (const issuer of [
                'http://forum.example',
                'http://127.0.0.1.forum.example',
                'http://localhost.forum.example',
                'https://forum.example/',
                'https://forum.example/p/',
                'https://forum.example?x',
                'https://forum.example?',
                'https://forum.example#x',
                'https://forum.example#',
                'https://user:word@forum.example',
                'https://forum.example:443',
                'https://FORUM.example',
                'https://forum.example/a/../b',
                ' https://forum.example',
                'https:forum.example',
                '//forum.example',
                'forum.example',
                'ftp://forum.example',
                'javascript:alert(1)'
            ]) {
                expect(refusal('issuer', issuer), issuer).to.equal(
                    `hapi-forum-oauth: "issuer" must be an https URL (or http on a loopback host) in its plain form, without trailing slash, query or fragment, but got a string (${JSON.stringify(issuer)})`
                );
            }
            for (const issuer of ['', 5, null, new URL('https://forum.example'), `https://${'x'.repeat(600)}`]) {
                expect(refusal('issuer', issuer)).to.startWith('hapi-forum-oauth: "issuer" ');
            }
        });

        it('when the data source is none, was not initialised or is without the entities', async () => {
            for (const value of [null, 5, {}, { isInitialized: true }, 'mysql://forum:hunter2@db/forum']) {
                const message = refusal('dataSource', value);
                expect(message).to.startWith(
                    'hapi-forum-oauth: "dataSource" must be an initialised TypeORM DataSource with OAuth.entities'
                );
                expect(message).to.not.contain('hunter2');
            }
            const idle = new DataSource({ ...embeddedDatabase(), entities });
            expect(refusal('dataSource', idle)).to.contain(
                'it is not initialised: await dataSource.initialize() first, but got an object'
            );
            for (const some of [[], entities.slice(0, -1)]) {
                const bare = await new DataSource({ ...embeddedDatabase(), entities: some }).initialize();
                expect(refusal('dataSource', bare)).to.contain(
                    "it is without this plugin's entities: add OAuth.entities to its entities"
                );
                await bare.destroy();
            }
        });

        it('when the data source names the tables otherwise than the migrations do', async () => {
            const renamed = await new DataSource({
                ...embeddedDatabase(),
                entities,
                entityPrefix: 'forum_'
            }).initialize();
            expect(refusal('dataSource', renamed)).to.contain(
                "it is renaming this plugin's tables: leave entityPrefix out"
            );
            await renamed.destroy();
        });

        it('when accounts cannot be found', () => {
            for (const value of [null, 5, 'odin', {}, { find: 'odin' }, () => null]) {
                expect(refusal('accounts', value)).to.startWith(
                    'hapi-forum-oauth: "accounts" must be an object with a function find(accountId), but got '
                );
            }
        });

        it('when the session is malformed', () => {
            for (const strategy of ['', 5, null, [], ['a', ''], ['a', 'a'], ['a', 5], {}]) {
                const message = refusal('session.strategy', strategy);
                expect(message).to.match(/^hapi-forum-oauth: "session\.strategy(\[1\])?" [^,]+.*, but got /);
                expect(message).to.not.contain('does not match any of the allowed types');
            }
            for (const path of ['session.accountId', 'session.authTime']) {
                expect(refusal(path, 'accountId')).to.equal(
                    `hapi-forum-oauth: "${path}" must be of type function, but got a string ("accountId")`
                );
            }
            for (const origin of [
                'https://app.example/',
                'https://app.example/x',
                'app.example',
                '*',
                'null',
                'https://*.example',
                'https://*',
                'https://APP.example',
                'https://app.example:443',
                'https://me@app.example',
                'ws://app.example',
                ''
            ]) {
                expect(refusal('session.origins', ['https://ok.example', origin]), origin).to.match(
                    /^hapi-forum-oauth: "session\.origins\[1\]" (must be an origin such as https:\/\/forum\.example|is not allowed to be empty), but got /
                );
            }
            expect(refusal('session.origins', 'https://app.example')).to.contain('must be an array, but got a string');
        });

        it('when permissions are malformed', () => {
            for (const name of ['openid', 'offline_access', '', 'A B', 'A"', 'A\\B', 'Ä', 'x'.repeat(129), 5]) {
                expect(refusal('permissions.all', ['READ', name])).to.startWith(
                    'hapi-forum-oauth: "permissions.all[1]" '
                );
                for (const path of ['permissions.administrator', 'permissions.authorizeClients']) {
                    expect(refusal(path, name)).to.startWith(`hapi-forum-oauth: "${path}" `);
                }
                expect(refusal('permissions.manageClients', name)).to.startWith(
                    'hapi-forum-oauth: "permissions.manageClients" '
                );
            }
            expect(refusal('permissions.all', [])).to.contain('"permissions.all" ');
            expect(refusal('permissions.all', ['READ', 'READ'])).to.contain('"permissions.all[1]" ');
        });

        it('when signing keys are no list of keys, without a word of what is in them', () => {
            const secret = 'c2VjcmV0LWtleS1tYXRlcmlhbA';
            for (const value of [
                null,
                [],
                [undefined],
                [null],
                secret,
                [secret],
                { kty: 'EC', d: secret },
                [[secret]],
                5
            ]) {
                const message = refusal('signingKeys', value);
                expect(message).to.match(/^hapi-forum-oauth: "signingKeys(\[0\])?" .+, but got /);
                expect(message).to.not.contain(secret);
            }
        });

        it('when a lifetime is no number of seconds', () => {
            for (const name of ['accessToken', 'refreshToken', 'refreshChain', 'authorizationCode', 'deviceCode']) {
                for (const value of [0, -1, 1.5, '60', NaN, Infinity, null, 4e9, {}, 'until-used']) {
                    expect(refusal(`lifetimes.${name}`, value)).to.match(
                        new RegExp(`^hapi-forum-oauth: "lifetimes\\.${name}" (must|cannot) be .+, but got `)
                    );
                }
            }
        });

        it('when the poll interval is no number of seconds, or less than none', () => {
            expect(accepts({ lifetimes: { devicePollInterval: 0 } }).lifetimes.devicePollInterval).to.equal(0);
            for (const value of [-1, 1.5, '5', null]) {
                expect(refusal('lifetimes.devicePollInterval', value)).to.contain('devicePollInterval');
            }
        });

        it('when the retry window is neither a number of seconds nor until-used', () => {
            for (const value of [-1, 1.5, '60', 'forever', NaN, null, true]) {
                const message = refusal('lifetimes.refreshRetryWindow', value);
                expect(message).to.match(/^hapi-forum-oauth: "lifetimes\.refreshRetryWindow" must be .+, but got /);
            }
            expect(refusal('lifetimes.refreshRetryWindow', 'forever')).to.contain('until-used');
        });

        it('when a page is no web address', () => {
            for (const name of ['login', 'authorizationConsent', 'deviceConsent']) {
                for (const value of [
                    '/login',
                    'forum.example/login',
                    'https://forum.example/login#top',
                    'https://me@forum.example/login',
                    'javascript:alert(1)'
                ]) {
                    expect(refusal(`urls.${name}`, value)).to.equal(
                        `hapi-forum-oauth: "urls.${name}" must be an absolute http or https URL without fragment, but got a string ("${value}")`
                    );
                }
                expect(refusal(`urls.${name}`, 5)).to.startWith(`hapi-forum-oauth: "urls.${name}" must be a string`);
            }
        });

        it('when a limit is malformed', () => {
            for (const value of [true, null, 5, 'x', []]) {
                expect(refusal('limits', value)).to.startWith(
                    'hapi-forum-oauth: "limits" must be false or an object, but got '
                );
                expect(refusal('limits.refresh', value)).to.startWith(
                    'hapi-forum-oauth: "limits.refresh" must be false or an object of points and seconds, but got '
                );
            }
            for (const name of ['deviceAuthorization', 'refresh', 'clientAuthentication', 'userCode']) {
                for (const value of [0, -1, 1.5, '60', NaN, Infinity, null]) {
                    for (const member of ['points', 'seconds']) {
                        expect(refusal(`limits.${name}`, { [member]: value })).to.match(
                            new RegExp(
                                `^hapi-forum-oauth: "limits\\.${name}\\.${member}" (must|cannot) be .+, but got `
                            )
                        );
                    }
                }
                expect(refusal(`limits.${name}`, { points: 5, second: 5 })).to.startWith(
                    `hapi-forum-oauth: "limits.${name}.second" is not allowed, but got a number`
                );
                expect(refusal(`limits.${name}`, { seconds: 86_401 })).to.equal(
                    `hapi-forum-oauth: "limits.${name}.seconds" must be less than or equal to 86400, but got a number (86401)`
                );
            }
            expect(refusal('limits.address', 'x-real-ip')).to.equal(
                'hapi-forum-oauth: "limits.address" must be of type function, but got a string ("x-real-ip")'
            );
        });

        it('when the Redis of the limits is no client, without a word of its password', () => {
            expect(refusal('limits', 'redis://:password@127.0.0.1')).to.equal(
                'hapi-forum-oauth: "limits" must be false or an object, but got a string'
            );
            for (const value of [null, 5, {}, { status: 'ready' }, 'redis://:hunter2@redis', { host: 'redis' }]) {
                const message = refusal('limits.redis', value);
                expect(message).to.startWith('hapi-forum-oauth: "limits.redis" must be an ioredis client, but got ');
                expect(message).to.not.contain('hunter2');
            }
        });

        it('when built-in clients are malformed', () => {
            for (const [client, path] of [
                [{ clientId: 'a' }, 'firstPartyClients[0].name'],
                [{ name: 'A' }, 'firstPartyClients[0].clientId'],
                [{ clientId: 'a b', name: 'A' }, 'firstPartyClients[0].clientId'],
                [{ clientId: '', name: 'A' }, 'firstPartyClients[0].clientId'],
                [{ clientId: 'x'.repeat(129), name: 'A' }, 'firstPartyClients[0].clientId'],
                [{ clientId: 'a', name: '' }, 'firstPartyClients[0].name'],
                [{ clientId: 'a', name: 'x'.repeat(201) }, 'firstPartyClients[0].name'],
                ['a', 'firstPartyClients[0]']
            ] as const) {
                expect(refusal('firstPartyClients', [client])).to.startWith(`hapi-forum-oauth: "${path}" `);
            }
            const twice = [
                { clientId: 'a', name: 'A' },
                { clientId: 'a', name: 'B' }
            ];
            expect(refusal('firstPartyClients', twice)).to.contain('"firstPartyClients[1]" contains a duplicate value');
        });

        it('when anything else is malformed', () => {
            expect(refusal('audience', '')).to.startWith('hapi-forum-oauth: "audience" is not allowed to be empty');
            expect(refusal('audience', ['a'])).to.equal(
                'hapi-forum-oauth: "audience" must be a string, but got an array'
            );
            expect(refusal('bearer.permissions', 'always')).to.equal(
                'hapi-forum-oauth: "bearer.permissions" must be one of [token, current], but got a string ("always")'
            );
            expect(refusal('jobs', true)).to.equal(
                'hapi-forum-oauth: "jobs" must be [in-process], but got a boolean (true)'
            );
            expect(refusal('clock', 5)).to.equal(
                'hapi-forum-oauth: "clock" must be of type function, but got a number (5)'
            );
            for (const path of ['permissions', 'lifetimes', 'urls', 'bearer', 'session']) {
                expect(refusal(path, 'x')).to.contain(`"${path}" must be of type object, but got a string`);
            }
        });

        it('without showing what may be a secret under a misspelled name', () => {
            const secret = '-----BEGIN PRIVATE KEY-----\nMIIEvQ';
            for (const path of ['signingKey', 'secrets', 'session.password', 'signingkeys']) {
                const message = refusal(path, secret);
                expect(message).to.equal(`hapi-forum-oauth: "${path}" is not allowed, but got a string`);
            }
        });
    });

    it('take a secret of 32 bytes or more, or a list of such', () => {
        const [text, bytes] = ['\u00e6'.repeat(16), Buffer.alloc(32, 1)];
        expect(accepts({ secret: text }).secrets).to.equal([Buffer.from(text)]);
        expect(accepts({ secret: bytes }).secrets).to.equal([bytes]);
        expect(accepts({ secret: [bytes, text] }).secrets).to.equal([bytes, Buffer.from(text)]);
        for (const secret of ['x'.repeat(31), Buffer.alloc(31), 1, {}, [], [bytes, 'short'], null]) {
            const message = refusal('secret', secret);
            expect(message).to.contain('"secret" must be a string or Buffer of at least 32 bytes, or a list of them');
            expect(message).not.to.contain('xxx');
        }
    });

    it('take schemes of applications, and none of browsers and operating systems', () => {
        expect(accepts({ redirectSchemes: ['myapp', 'web+app'] }).redirectSchemes).to.equal(['myapp', 'web+app']);
        for (const scheme of [
            'javascript',
            'tel',
            'smb',
            'ms-msdt',
            'search-ms',
            'intent',
            'chrome-extension',
            'https'
        ]) {
            expect(refusal('redirectSchemes', [scheme]), scheme).to.contain('operating systems');
        }
        for (const scheme of ['MyApp', 'myapp:', '1app', '', 7]) {
            expect(refusal('redirectSchemes', [scheme])).to.contain('"redirectSchemes[0]"');
        }
    });

    it('take a name for the parameter of the sign-in page', () => {
        expect(accepts({ urls: { loginReturnParameter: 'next' } }).urls.loginReturnParameter).to.equal('next');
        for (const name of ['', 'a b', 'a=b', 'a&b', 7]) {
            expect(refusal('urls.loginReturnParameter', name)).to.contain('"urls.loginReturnParameter"');
        }
    });

    it('take caps from 1', () => {
        const caps = accepts({ caps: { clientsPerAccount: 1 } }).caps;
        expect([caps.clientsPerAccount, caps.grantsPerAccountAndClient]).to.equal([1, 100]);
        for (const value of [0, 1.5, '5', false]) {
            expect(refusal('caps.clientsPerAccount', value)).to.contain('"caps.clientsPerAccount"');
        }
        expect(refusal('caps.clients', 5)).to.contain('"caps.clients" is not allowed');
    });

    it('may be instances of classes with private members', async () => {
        class Members implements Accounts {
            readonly #known = 'odin';
            find(id: string) {
                return Promise.resolve(
                    id === this.#known ? { id, handle: id, name: id, permissions: ['CREATE_POST'] } : null
                );
            }
        }
        class Source extends DataSource {
            readonly #label = 'forum';
            get label(): string {
                return this.#label;
            }
        }
        class Given {
            readonly #own = 1;
            readonly issuer = 'https://forum.example';
            readonly session = { strategy: 'session' };
            constructor(
                readonly dataSource: DataSource,
                readonly accounts: Accounts,
                readonly signingKeys: Options['signingKeys']
            ) {
                expect(this.#own).to.equal(1);
            }
        }
        class Client {
            readonly #commands: string[] = [];
            readonly status = 'ready';
            defineCommand(name: string): void {
                this.#commands.push(name);
            }
        }
        const source = await new Source({ ...embeddedDatabase(), entities }).initialize();
        const members = new Members();
        const settings = readOptions(new Given(source, members, required.signingKeys));
        expect(settings.accounts).to.shallow.equal(members);
        expect(settings.dataSource).to.shallow.equal(source);
        expect((await settings.accounts.find('odin'))?.permissions).to.equal(['CREATE_POST']);
        expect((settings.dataSource as Source).label).to.equal('forum');
        const redis = new Client();
        const address = (): string => 'a';
        const { limits } = accepts({ limits: { redis, address } });
        expect(limits.redis).to.shallow.equal(redis);
        expect(limits.address).to.shallow.equal(address);
        await source.destroy();
    });

    it('are left as they came', () => {
        const given = { ...required, lifetimes: Object.freeze({ accessToken: 5 }), urls: Object.freeze({}) };
        Object.freeze(given);
        readOptions(given);
        expect(given.lifetimes).to.equal({ accessToken: 5 });
    });
});
