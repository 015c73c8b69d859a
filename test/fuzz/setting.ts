import type { Account } from '../../plugin';
import { beginRequest, createApp, obtainCode, redeem, type App, type ObtainedCode } from '../support/authorization';
import { emptyTables } from '../support/exploration';
import { DEVICE_CODE, ISSUER, unique, type Forum } from '../support/forum';
import { Visitor } from '../support/visitor';

/** What there is of each kind, to be put into requests. */
export interface Live {
    accounts: string[];
    clients: App[];
    /** With a secret. */
    confidential: App[];
    refreshTokens: { text: string; clientId: string }[];
    accessTokens: string[];
    idTokens: string[];
    codes: ObtainedCode[];
    deviceCodes: { text: string; clientId: string }[];
    userCodes: string[];
    requestIds: { text: string; accountId: string }[];
    /** Ids of rows: clients', tokens'. */
    clientIds: string[];
    tokenIds: string[];
    /** Of one browser, by account. */
    formTokens: Map<string, string>;
}

/** The secret of the browser that every form is sent from. */
export const BROWSER = 'A'.repeat(43);

export const ADMINISTRATOR = 'administrator0000000';
export const SUSPENDED = 'suspended00000000000';
const REDIRECTS = ['https://app.example/cb?kept=1', 'http://127.0.0.1/cb', 'com.example.app:/cb'];

/**
 * A forum in the middle of its life: members, applications, and tokens and codes in every state that they can be in.
 * Everything in it is random; which of it a request has in it is not.
 */
export class Setting {
    readonly live: Live = {
        accounts: [],
        clients: [],
        confidential: [],
        refreshTokens: [],
        accessTokens: [],
        idTokens: [],
        codes: [],
        deviceCodes: [],
        userCodes: [],
        requestIds: [],
        clientIds: [],
        tokenIds: [],
        formTokens: new Map()
    };
    /** What may be told to nobody but to those that it is made for. */
    readonly secrets = new Set<string>();

    private constructor(
        readonly forum: Forum,
        /** Where requests go. */
        readonly under: Forum
    ) {}

    /**
     * Empties the forum and fills it anew.
     *
     * @param forum where the setting is made
     * @param under with pages; on the same database
     */
    static async create(forum: Forum, under: Forum): Promise<Setting> {
        const setting = new Setting(forum, under);
        await emptyTables(forum.dataSource);
        await setting.fill();
        // What is kept of it would pass for a leak.
        forum.events.length = 0;
        forum.log.length = 0;
        return setting;
    }

    private async fill(): Promise<void> {
        const { forum, live } = this;
        const [member, other] = [unique('member'), unique('member')];
        forum.accounts.clear();
        this.under.accounts.clear();
        const permissions = ['CREATE_POST', 'READ_PUBLISHED_THREADS', 'CREATE_REACTION', 'USE_OAUTH_CLIENTS'];
        const email = { address: 'member@forum.example', verified: true };
        this.join({ id: member, handle: 'member', name: 'A member', permissions, email });
        this.join({ id: other, handle: 'other', name: 'Another', permissions });
        this.join({ id: unique('reader'), handle: 'reader', name: 'A reader', permissions: [] });
        this.join({ id: ADMINISTRATOR, handle: 'admin', name: 'Administrator', permissions: ['ADMINISTRATOR'] });

        const redirects = { redirect_uris: REDIRECTS };
        const app = await createApp(forum, redirects, member);
        const bot = await createApp(
            forum,
            {
                type: 'confidential',
                redirect_uris: REDIRECTS.slice(0, 2),
                allowed_grants: ['authorization_code', 'refresh_token', 'client_credentials']
            },
            member
        );
        const foreign = await createApp(forum, redirects, other);
        const device = await this.createDevice(other);
        for (const made of [app, bot, foreign, device]) {
            this.addClient(made);
        }
        live.clients.push({ id: '', client_id: 'storyden-cli', redirectUri: REDIRECTS[0]! });

        for (const [account, owned] of [
            [member, app],
            [other, foreign],
            [member, bot]
        ] as const) {
            const scope = { scope: 'openid profile email offline_access READ_PUBLISHED_THREADS' };
            const spent = await obtainCode(forum, owned, scope, account);
            this.harvest(owned.client_id, (await redeem(forum, spent)).body);
            this.addCode(spent);
            this.addCode(await obtainCode(forum, owned, scope, account));
            this.addRequest(await beginRequest(forum, owned, scope, account), account);
            this.addRequest(await beginRequest(forum, owned, scope, account), account);
        }
        await this.makeDevices(member, other);
        // One token family has gone on, another has ended.
        const [used, ended] = live.refreshTokens;
        const refreshed = await forum.refresh(used!.text, { client_id: used!.clientId });
        this.harvest(used!.clientId, refreshed.body);
        await forum.form('/oauth/revoke', { client_id: ended!.clientId, token: ended!.text });

        const { body } = await forum.as(ADMINISTRATOR, 'GET', '/admin/oauth/refresh-tokens');
        live.tokenIds.push(...(body.tokens as { id: string }[]).map(({ id }) => id));
        for (const account of [member, ADMINISTRATOR]) {
            const visitor = new Visitor(this.under.server, account);
            visitor.cookies.set('__Host-oauth-form', BROWSER);
            await visitor.get('/oauth/consent');
            live.formTokens.set(account, visitor.hidden('form_token'));
        }
    }

    private join(account: Account): void {
        this.forum.accounts.set(account.id, account);
        this.under.accounts.set(account.id, account);
        this.live.accounts.push(account.id);
    }

    private async createDevice(accountId: string): Promise<App> {
        const fields = {
            name: unique('Device '),
            type: 'public',
            allowed_grants: [DEVICE_CODE, 'refresh_token'],
            allowed_scopes: ['openid', 'offline_access', 'CREATE_POST']
        };
        const { client } = await this.forum.createClient(accountId, fields);
        return { id: client.id, client_id: client.client_id, redirectUri: REDIRECTS[0]! };
    }

    private async makeDevices(member: string, other: string): Promise<void> {
        const { forum } = this;
        const cli = { client_id: 'storyden-cli', scope: 'openid profile offline_access' };
        for (let place = 0; place < 3; ++place) {
            this.addDevice('storyden-cli', await forum.device(cli));
            const claimed = await forum.device(cli);
            await forum.as(member, 'GET', `/oauth/device/consent?user_code=${claimed.user_code}`);
            this.addDevice('storyden-cli', claimed);
            const approved = await forum.device(cli);
            await forum.decide(place === 0 ? other : member, approved.user_code);
            this.addDevice('storyden-cli', approved);
        }
        this.harvest('storyden-cli', await forum.signIn(member, cli));
    }

    private addClient(app: App): void {
        const { live } = this;
        live.clients.push(app);
        live.clientIds.push(app.id);
        if (app.secret !== undefined) {
            live.confidential.push(app);
            this.secrets.add(app.secret);
        }
    }

    private addCode(code: ObtainedCode): void {
        this.live.codes.push(code);
        this.secrets.add(code.code);
    }

    private addRequest(text: string, accountId: string): void {
        this.live.requestIds.push({ text, accountId });
    }

    private addDevice(clientId: string, { device_code: text, user_code: user }: Record<string, string>): void {
        this.live.deviceCodes.push({ text: text!, clientId });
        this.live.userCodes.push(user!);
        this.secrets.add(text!);
    }

    /** Takes over what an answer handed out, so that later requests go on from there. */
    harvest(clientId: string, body: unknown): void {
        const { live } = this;
        const given = (body ?? {}) as Record<string, unknown>;
        const take = (name: string, keep: (text: string) => void): void => {
            const text = given[name];
            if (typeof text === 'string') {
                keep(text);
                this.secrets.add(text);
            }
        };
        take('refresh_token', (text) => live.refreshTokens.push({ text, clientId }));
        take('access_token', (text) => live.accessTokens.push(text));
        take('id_token', (text) => live.idTokens.push(text));
        take('device_code', (text) => live.deviceCodes.push({ text, clientId }));
        if (typeof given.user_code === 'string') {
            live.userCodes.push(given.user_code);
        }
        const client = (given.client ?? given) as { id?: unknown; client_id?: unknown; redirect_uris?: unknown };
        if (Array.isArray(client.redirect_uris)) {
            const uris = client.redirect_uris as string[];
            const secret = given.client_secret as string | undefined;
            this.addClient({
                id: client.id as string,
                client_id: client.client_id as string,
                redirectUri: uris[0] ?? REDIRECTS[0]!,
                ...(secret !== undefined && { secret })
            });
        }
    }

    /** Takes over what a redirect carries. */
    follow(location: string, accountId: string | undefined): void {
        const url = new URL(location, ISSUER);
        const request = url.searchParams.get('request_id');
        if (url.origin === ISSUER && request !== null && accountId !== undefined) {
            this.addRequest(request, accountId);
        }
    }
}
