import { expect } from '@hapi/code';
import type { Browser } from 'playwright-core';
import { launch, Window } from './chromium';
import { ExampleForum, sendForm, type Browser as Requester, type Reply } from './example';

export const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code';

interface Device {
    device_code: string;
    user_code: string;
    verification_uri_complete: string;
}

/** The example forum and a browser for its pages. What a test only prepares goes by the JSON endpoints. */
export class PagesInBrowser {
    readonly #sessions = new Map<string, Promise<Requester>>();

    private constructor(
        readonly browser: Browser,
        readonly forum: ExampleForum
    ) {}

    static async start(): Promise<PagesInBrowser> {
        const [browser, forum] = await Promise.all([
            launch(),
            ExampleForum.start({ DEVICE_POLL_INTERVAL: '1', DATABASE_URL: ':memory:' })
        ]);
        return new PagesInBrowser(browser, forum);
    }

    async stop(): Promise<void> {
        await this.browser.close();
        await this.forum.done();
    }

    /** The URL of a path. */
    at(path: string): string {
        return this.forum.issuer + path;
    }

    /** A window of a signed-in account, with a page of the forum open. */
    async visit(handle: string, path: string, javaScriptEnabled = true): Promise<Window> {
        const window = await Window.open(this.browser, { javaScriptEnabled });
        const [name, value] = (await this.signedIn(handle)).cookie!.split(/=(.*)/s);
        await window.context.addCookies([{ name: name!, value: value!, url: this.forum.issuer }]);
        await window.page.goto(this.at(path));
        return window;
    }

    /** The session of an account, which signs in once. */
    signedIn(handle: string): Promise<Requester> {
        const session = this.#sessions.get(handle) ?? this.forum.browser(handle);
        this.#sessions.set(handle, session);
        return session;
    }

    /** A device that asks for access for the built-in application. */
    async device(): Promise<Device> {
        const scope = 'openid profile offline_access';
        return (await this.#post('/api/oauth/device_authorization', { client_id: 'storyden-cli', scope })).body;
    }

    poll({ device_code }: Device): Promise<Reply> {
        return this.#token({ grant_type: DEVICE_CODE, client_id: 'storyden-cli', device_code });
    }

    /**
     * Connects the built-in application to an account.
     *
     * @returns its refresh token
     */
    async connect(handle: string): Promise<string> {
        const api = await this.signedIn(handle);
        const device = await this.device();
        await api.send('GET', `/api/oauth/device/consent?user_code=${device.user_code}`);
        await api.send('POST', '/api/oauth/device/consent', { user_code: device.user_code, decision: 'approve' });
        return (await this.poll(device)).body.refresh_token;
    }

    refresh(token: string): Promise<Reply> {
        return this.#token({ grant_type: 'refresh_token', client_id: 'storyden-cli', refresh_token: token });
    }

    clientCredentials(clientId: string, secret: string): Promise<Reply> {
        return this.#token({ grant_type: 'client_credentials', client_id: clientId, client_secret: secret });
    }

    /** An application of an account. */
    async createApp(handle: string, fields: object): Promise<{ id: string; client_id: string }> {
        const api = await this.signedIn(handle);
        const { status, body, text } = await api.send('POST', '/api/auth/oauth/clients', {
            name: 'Photo album',
            type: 'public',
            pkce_required: true,
            redirect_uris: ['https://photos.example/callback'],
            allowed_grants: ['authorization_code', 'refresh_token'],
            allowed_scopes: ['openid', 'profile', 'email', 'offline_access', 'READ_PUBLISHED_THREADS'],
            ...fields
        });
        expect(status, text).to.equal(200);
        return body.client;
    }

    /** The path of an authorization request. */
    authorizePath(clientId: string, redirectUri = 'https://photos.example/callback', scope = 'openid profile'): string {
        const query = new URLSearchParams({
            response_type: 'code',
            client_id: clientId,
            redirect_uri: redirectUri,
            scope,
            state: 'the state',
            code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
            code_challenge_method: 'S256'
        });
        return `/api/oauth/authorize?${query.toString()}`;
    }

    #token(fields: Record<string, string>): Promise<Reply> {
        return this.#post('/api/oauth/token', fields);
    }

    #post(path: string, fields: Record<string, string>): Promise<Reply> {
        return sendForm(this.at(path), fields);
    }
}
