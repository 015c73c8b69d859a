import { expect } from '@hapi/code';
import { Forum, FRIGG, openDatabase, type CreatedClient, type OpenDatabase, type Tokens } from './forum';

export const FORM = 'application/x-www-form-urlencoded';
export const MEGABYTE = 1024 * 1024;

/** The codes that a protocol endpoint may respond with to bad input. */
const PROTOCOL_CODES = [
    'access_denied',
    'authorization_pending',
    'expired_token',
    'invalid_client',
    'invalid_grant',
    'invalid_request',
    'invalid_scope',
    'invalid_target',
    'login_required',
    'slow_down',
    'temporarily_unavailable',
    'unauthorized_client',
    'unsupported_grant_type'
];

const MANAGEMENT_CODES = ['invalid_request', 'unauthorized', 'forbidden', 'not_found', 'conflict'];

/** A response. */
export interface Sent {
    status: number;
    text: string;
    // eslint-disable-next-line @typescript-eslint/no-explicit-any
    body: any;
    headers: Record<string, unknown>;
}

/** A request's body and its headers. */
export interface Body {
    type?: string | undefined;
    payload?: string | Buffer;
    headers?: Record<string, string>;
}

/** A forum with what bad requests need in order to be good but for one thing. */
export class BadInput {
    private constructor(
        readonly database: OpenDatabase,
        readonly forum: Forum,
        readonly bot: CreatedClient,
        readonly tokens: Tokens,
        /** Device codes: one that was approved, and one that was read but not decided. */
        readonly approved: { device_code: string; user_code: string },
        readonly claimed: { device_code: string; user_code: string }
    ) {}

    static async create(): Promise<BadInput> {
        const database = await openDatabase();
        const forum = await Forum.create(database.dataSource);
        const bot = await forum.createClient(FRIGG);
        const tokens = await forum.signIn();
        const approved = await forum.device();
        await forum.decide(FRIGG, approved.user_code);
        const claimed = await forum.device();
        await forum.as(FRIGG, 'GET', `/oauth/device/consent?user_code=${claimed.user_code}`);
        return new BadInput(database, forum, bot, tokens, approved, claimed);
    }

    async done(): Promise<void> {
        await this.forum.stop();
        await this.database.done();
    }

    /** Sends a request exactly as it is given. */
    async send(
        method: string,
        path: string,
        { type, payload, headers = {} }: Body = {},
        accountId: string | null = null
    ): Promise<Sent> {
        const answer = await this.forum.server.inject({
            method,
            url: path.startsWith('/.well-known') ? path : `/api${path}`,
            headers: {
                ...(type !== undefined && { 'content-type': type }),
                ...(accountId !== null && { cookie: `session=${accountId}` }),
                ...headers
            },
            ...(payload !== undefined && { payload })
        });
        const json = String(answer.headers['content-type']).startsWith('application/json') && answer.payload !== '';
        return {
            status: answer.statusCode,
            text: answer.payload,
            body: json ? (JSON.parse(answer.payload) as unknown) : undefined,
            headers: answer.headers
        };
    }

    /** Runs work that must change no row and emit no event. */
    async writingNothing(work: () => Promise<void>): Promise<void> {
        const before = await this.#contents();
        const events = this.forum.events.length;
        await work();
        expect(await this.#contents()).to.equal(before);
        expect(this.forum.events.slice(events)).to.equal([]);
    }

    /** All rows of all tables, except the count of wrong user codes, which a wrong code adds to. */
    async #contents(): Promise<string> {
        const all: unknown[] = [];
        for (const { tableName } of this.database.dataSource.entityMetadatas) {
            if (tableName !== 'oauth_user_code_failures') {
                all.push(tableName, await this.database.dataSource.query(`SELECT * FROM ${tableName} ORDER BY id`));
            }
        }
        return JSON.stringify(all);
    }
}

/** Expects an error in the shape of the protocol endpoints. */
export function isProtocolError(sent: Sent, what: string): void {
    expect(sent.status, `${what}: ${sent.text.slice(0, 300)}`).to.be.within(400, 429);
    expect(Object.keys(sent.body as object), what).to.equal(['error', 'error_description']);
    expect(PROTOCOL_CODES, `${what}: ${sent.body.error}`).to.include(sent.body.error as string);
    expect(sent.body.error_description, what).to.match(/^[\x20\x21\x23-\x5b\x5d-\x7e]+$/);
    expect(sent.headers['cache-control'], what).to.equal('no-store');
}

/** Expects an error in the shape of the management endpoints. */
export function isManagementError(sent: Sent, what: string): void {
    expect(sent.status, `${what}: ${sent.text.slice(0, 300)}`).to.be.within(400, 409);
    expect(Object.keys(sent.body as object), what).to.equal([
        'error',
        'message',
        'error_description',
        'suggested',
        'metadata'
    ]);
    expect(MANAGEMENT_CODES, what).to.include(sent.body.error as string);
    expect(sent.body.message, what).to.be.a.string().and.not.be.empty();
    expect(sent.body.suggested, what).to.be.a.string().and.not.be.empty();
    expect(sent.body.metadata, what).to.be.an.object();
    expect(sent.text.length, what).to.be.below(2000);
    expect(sent.headers['cache-control'], what).to.equal('no-store');
}

/** Expects a management error that names a field; which one, if given. */
export function isInvalidField(sent: Sent, what: string, field?: string): void {
    isManagementError(sent, what);
    expect(sent.status, `${what}: ${sent.text}`).to.equal(400);
    expect(sent.body.error, what).to.equal('invalid_request');
    expect(sent.body.metadata.rule, what).to.be.a.string();
    if (field === undefined) {
        expect(sent.body.metadata.field, what).to.be.a.string();
    } else {
        expect(String(sent.body.metadata.field).startsWith(field), `${what}: ${sent.text}`).to.be.true();
    }
}

/** Expects 400 `invalid_request` in the shape of an endpoint. */
export function isInvalidRequest(shape: 'management' | 'protocol', sent: Sent, what: string, field?: string): void {
    if (shape === 'management') {
        isInvalidField(sent, what, field);
    } else {
        isProtocolError(sent, what);
        expect(sent.status, what).to.equal(400);
        expect(sent.body.error, what).to.equal('invalid_request');
    }
}
