import { randomBytes } from 'node:crypto';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import fc from 'fast-check';
import {
    CLI,
    DEVICE_CODE,
    Forum,
    FRIGG,
    openDatabase,
    type CreatedClient,
    type OpenDatabase,
    type Tokens
} from '../support/forum';

const lab = Lab.script();
export { lab };
const { after, before, describe, it } = lab;

const FORM = 'application/x-www-form-urlencoded';
const MEGABYTE = 1024 * 1024;

/** The codes that a protocol endpoint may answer to input that is bad. */
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

/** Text that no parameter and no field is. */
const ODD_TEXTS: Record<string, string> = {
    'a NUL byte': '\0',
    'a NUL byte within': 'abc\0def',
    'a replacement character': '\ufffd',
    'a line separator': 'a\u2028b',
    'a newline': 'a\r\nb',
    'an emoji': '😀',
    'an SQL quote': "' OR '1'='1",
    'a template': '${7*7}{{7*7}}',
    'a long text': 'x'.repeat(50_000),
    __proto__: '__proto__'
};

interface Sent {
    status: number;
    text: string;
    // eslint-disable-next-line @typescript-eslint/no-explicit-any
    body: any;
    headers: Record<string, unknown>;
}

interface Body {
    type?: string | undefined;
    payload?: string | Buffer;
    headers?: Record<string, string>;
}

describe('bad input', () => {
    let forum: Forum;
    let database: OpenDatabase;
    let bot: CreatedClient;
    let tokens: Tokens;
    let approved: { device_code: string; user_code: string };
    let claimed: { device_code: string; user_code: string };

    before(async () => {
        database = await openDatabase();
        forum = await Forum.create(database.dataSource);
        bot = await forum.createClient(FRIGG);
        tokens = await forum.signIn();
        approved = await forum.device();
        await forum.decide(FRIGG, approved.user_code);
        claimed = await forum.device();
        await forum.as(FRIGG, 'GET', `/oauth/device/consent?user_code=${claimed.user_code}`);
    });

    after(async () => {
        await forum.stop();
        await database.done();
    });

    const send = async (
        method: string,
        path: string,
        { type, payload, headers = {} }: Body = {},
        accountId: string | null = null
    ): Promise<Sent> => {
        const answer = await forum.server.inject({
            method: method,
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
    };

    const isProtocolError = (sent: Sent, what: string): void => {
        expect(sent.status, `${what}: ${sent.text.slice(0, 300)}`).to.be.within(400, 429);
        expect(Object.keys(sent.body as object), what).to.equal(['error', 'error_description']);
        expect(PROTOCOL_CODES, `${what}: ${sent.body.error}`).to.include(sent.body.error as string);
        expect(sent.body.error_description, what).to.match(/^[\x20\x21\x23-\x5b\x5d-\x7e]+$/);
        expect(sent.headers['cache-control'], what).to.equal('no-store');
    };

    const isManagementError = (sent: Sent, what: string): void => {
        expect(sent.status, `${what}: ${sent.text.slice(0, 300)}`).to.be.within(400, 409);
        expect(Object.keys(sent.body as object), what).to.equal(['error', 'message', 'suggested', 'metadata']);
        expect(MANAGEMENT_CODES, what).to.include(sent.body.error as string);
        expect(sent.body.message, what).to.be.a.string().and.not.be.empty();
        expect(sent.body.suggested, what).to.be.a.string().and.not.be.empty();
        expect(sent.body.metadata, what).to.be.an.object();
        expect(sent.text.length, what).to.be.below(2000);
        expect(sent.headers['cache-control'], what).to.equal('no-store');
    };

    const isInvalidField = (sent: Sent, what: string, field?: string): void => {
        isManagementError(sent, what);
        expect(sent.status, `${what}: ${sent.text}`).to.equal(400);
        expect(sent.body.error, what).to.equal('invalid_request');
        expect(sent.body.metadata.rule, what).to.be.a.string();
        if (field === undefined) {
            expect(sent.body.metadata.field, what).to.be.a.string();
        } else {
            expect(String(sent.body.metadata.field).startsWith(field), `${what}: ${sent.text}`).to.be.true();
        }
    };

    /** All rows of all tables, but for the count of wrong user codes, which a wrong code belongs in. */
    const contents = async (): Promise<string> => {
        const all: unknown[] = [];
        for (const { tableName } of database.dataSource.entityMetadatas) {
            if (tableName !== 'oauth_user_code_failures') {
                all.push(tableName, await database.dataSource.query(`SELECT * FROM ${tableName} ORDER BY id`));
            }
        }
        return JSON.stringify(all);
    };

    const writingNothing = async (work: () => Promise<void>): Promise<void> => {
        const before = await contents();
        const events = forum.events.length;
        await work();
        expect(await contents()).to.equal(before);
        expect(forum.events.slice(events)).to.equal([]);
    };

    const body = (fields: Record<string, string>): string => new URLSearchParams(fields).toString();

    /** Requests that would succeed as they are. */
    const forms = (): Record<string, { path: string; fields: Record<string, string> }> => ({
        'a client credentials request': {
            path: '/oauth/token',
            fields: {
                grant_type: 'client_credentials',
                client_id: bot.client.client_id,
                client_secret: bot.client_secret,
                scope: 'READ_PUBLISHED_THREADS',
                resource: 'https://forum.example'
            }
        },
        'a refresh': {
            path: '/oauth/token',
            fields: {
                grant_type: 'refresh_token',
                client_id: CLI.client_id,
                refresh_token: tokens.refresh_token,
                scope: 'openid',
                resource: 'https://forum.example'
            }
        },
        'a device code exchange': {
            path: '/oauth/token',
            fields: {
                grant_type: DEVICE_CODE,
                client_id: CLI.client_id,
                device_code: approved.device_code,
                resource: 'https://forum.example'
            }
        },
        'a device authorization request': {
            path: '/oauth/device_authorization',
            fields: { ...CLI, resource: 'https://forum.example' }
        }
    });

    /** What the answer to a parameter that is missing, and to one that is not what it should be, is called. */
    const MISSING: Record<string, string[]> = {
        grant_type: ['invalid_request'],
        client_id: ['invalid_client', 'invalid_request'],
        client_secret: ['invalid_client'],
        refresh_token: ['invalid_request'],
        device_code: ['invalid_request']
    };
    const WRONG: Record<string, string> = {
        grant_type: 'unsupported_grant_type',
        client_id: 'invalid_client',
        client_secret: 'invalid_client',
        refresh_token: 'invalid_grant',
        device_code: 'invalid_grant',
        scope: 'invalid_scope',
        resource: 'invalid_target'
    };

    it('is refused in every parameter of a form, and nothing is written', async () => {
        await writingNothing(async () => {
            for (const [name, { path, fields }] of Object.entries(forms())) {
                const post = (payload: string | Buffer): Promise<Sent> => send('POST', path, { type: FORM, payload });
                for (const [parameter, value] of Object.entries(fields)) {
                    const what = `${parameter} of ${name}`;
                    const others = Object.fromEntries(Object.entries(fields).filter(([key]) => key !== parameter));
                    const allowed = MISSING[parameter];
                    if (allowed) {
                        for (const payload of [
                            body(others),
                            `${body(others)}&${parameter}=`,
                            `${body(others)}&${parameter}`
                        ]) {
                            const sent = await post(payload);
                            isProtocolError(sent, `missing ${what}`);
                            expect(allowed, `missing ${what}`).to.include(sent.body.error as string);
                        }
                    }
                    if (parameter !== 'resource') {
                        for (const twice of [value, 'x', '']) {
                            const sent = await post(`${body(fields)}&${body({ [parameter]: twice })}`);
                            isProtocolError(sent, `twice ${what}`);
                            expect(sent.body.error, `twice ${what}`).to.equal('invalid_request');
                        }
                    }
                    for (const [odd, text] of Object.entries(ODD_TEXTS)) {
                        const sent = await post(`${body(others)}&${parameter}=${encodeURIComponent(text)}`);
                        isProtocolError(sent, `${odd} as ${what}`);
                        expect(sent.body.error, `${odd} as ${what}`).to.equal(WRONG[parameter]);
                    }
                    for (const bytes of [
                        '%FF',
                        '%C3',
                        '%C3%28',
                        '%ED%A0%80',
                        '%F5%80%80%80',
                        '%C0%80',
                        '%',
                        '%zz',
                        '%u0041'
                    ]) {
                        const sent = await post(`${body(others)}&${parameter}=${encodeURIComponent(value)}${bytes}`);
                        isProtocolError(sent, `${bytes} in ${what}`);
                        expect(sent.body.error, `${bytes} in ${what}`).to.equal('invalid_request');
                    }
                    for (const bytes of [[0xff], [0xc3, 0x28], [0xed, 0xa0, 0x80], [0xfe, 0xff, 0x00, 0x41]]) {
                        const payload = Buffer.concat([
                            Buffer.from(`${body(others)}&${parameter}=${encodeURIComponent(value)}`),
                            Buffer.from(bytes)
                        ]);
                        const sent = await post(payload);
                        isProtocolError(sent, `raw bytes in ${what}`);
                        expect(sent.body.error, `raw bytes in ${what}`).to.equal('invalid_request');
                    }
                    const big = await post(`${body(others)}&${parameter}=${'x'.repeat(MEGABYTE)}`);
                    isProtocolError(big, `a megabyte as ${what}`);
                    expect(big.status).to.equal(400);
                    expect(big.body.error).to.equal('invalid_request');
                }
            }
        });
    });

    it('is refused as a whole body that is no form', async () => {
        await writingNothing(async () => {
            for (const [name, { path, fields }] of Object.entries(forms())) {
                const form = body(fields);
                const bodies: Record<string, Body> = {
                    'no body': {},
                    'an empty form': { type: FORM, payload: '' },
                    'a form of ampersands': { type: FORM, payload: '&&&=&' },
                    JSON: { type: 'application/json', payload: JSON.stringify(fields) },
                    'JSON that calls itself a form': { type: FORM, payload: JSON.stringify(fields) },
                    'a form that calls itself JSON': { type: 'application/json', payload: form },
                    'no type': { payload: form },
                    'an empty type': { type: '', payload: form },
                    text: { type: 'text/plain', payload: form },
                    bytes: { type: 'application/octet-stream', payload: form },
                    'a broken type': { type: 'application', payload: form },
                    'a type of semicolons': { type: ';;;', payload: form },
                    'two types': { type: `application/json, ${FORM}`, payload: form },
                    'a type that begins alike': { type: `${FORM}x`, payload: form },
                    'a multipart form': {
                        type: 'multipart/form-data; boundary=b',
                        payload: Object.entries(fields)
                            .map(
                                ([key, value]) =>
                                    `--b\r\nContent-Disposition: form-data; name="${key}"\r\n\r\n${value}\r\n`
                            )
                            .join('')
                            .concat('--b--\r\n')
                    },
                    'a multipart form without boundary': { type: 'multipart/form-data', payload: form },
                    'UTF-16': {
                        type: `${FORM}; charset=utf-16`,
                        payload: Buffer.from(`\ufeff${form}\u0142`, 'utf16le')
                    },
                    gzip: { type: FORM, payload: gzipSync(form), headers: { 'content-encoding': 'gzip' } },
                    deflate: { type: FORM, payload: deflateSync(form), headers: { 'content-encoding': 'deflate' } },
                    brotli: { type: FORM, payload: brotliCompressSync(form), headers: { 'content-encoding': 'br' } },
                    'an unknown encoding': { type: FORM, payload: form, headers: { 'content-encoding': 'x' } },
                    'an encoding that it has not': {
                        type: FORM,
                        payload: form,
                        headers: { 'content-encoding': 'gzip' }
                    },
                    'a bomb': {
                        type: FORM,
                        payload: gzipSync(Buffer.alloc(10 * MEGABYTE, 'a')),
                        headers: { 'content-encoding': 'gzip' }
                    },
                    'random bytes': { type: FORM, payload: randomBytes(1000) },
                    'a megabyte beside it': { type: FORM, payload: `${form}&more=${'x'.repeat(MEGABYTE)}` },
                    'a megabyte of parameters': { type: FORM, payload: form + '&a'.repeat(MEGABYTE / 2) },
                    'a thousand parameters': {
                        type: FORM,
                        payload: form + Array.from({ length: 1000 }, (_, place) => `&a${place}=1`).join('')
                    }
                };
                for (const [what, each] of Object.entries(bodies)) {
                    const sent = await send('POST', path, each);
                    isProtocolError(sent, `${what} as ${name}`);
                    expect(sent.status, `${what} as ${name}`).to.equal(400);
                    expect(sent.body.error, `${what} as ${name}`).to.equal('invalid_request');
                }
            }
        });
    });

    it('in headers is refused, or does not matter', async () => {
        await writingNothing(async () => {
            const { path, fields } = forms()['a refresh']!;
            const payload = body({ ...fields, refresh_token: 'x' });
            const headers: Record<string, string>[] = [
                { authorization: 'x'.repeat(100_000) },
                { authorization: `Basic ${'A'.repeat(100_000)}` },
                { cookie: 'x'.repeat(100_000) },
                { cookie: '\u00ff=;;;="' },
                { origin: 'x'.repeat(100_000) },
                { origin: '\u00ff' },
                { accept: 'nonsense/;q=x' },
                { 'accept-encoding': 'nonsense;q=x' },
                { 'x-forwarded-proto': '\u00ff' },
                { 'content-type': `${FORM}; charset=${'x'.repeat(100_000)}` },
                { 'content-length': '-1' },
                { 'if-none-match': '*' },
                { range: 'bytes=0-' }
            ];
            for (const each of headers) {
                const sent = await send('POST', path, { type: FORM, payload, headers: each });
                isProtocolError(sent, JSON.stringify(each).slice(0, 60));
            }
        });
    });

    it('does what was asked after all of it: the requests above were good but for one thing', async () => {
        for (const [name, { path, fields }] of Object.entries(forms())) {
            const sent = await send('POST', path, { type: FORM, payload: body(fields) });
            expect(sent.status, `${name}: ${sent.text}`).to.equal(200);
        }
    });

    // Session endpoints.

    const client = (): Record<string, unknown> => ({
        name: 'A bot',
        type: 'public',
        allowed_grants: ['authorization_code', 'refresh_token'],
        allowed_scopes: ['openid', 'CREATE_POST'],
        redirect_uris: ['https://app.example/cb'],
        pkce_required: true
    });

    interface JsonEndpoint {
        method: string;
        path: string;
        fields: Record<string, unknown>;
        /** Fields that it cannot do without. */
        required: string[];
        shape: 'management' | 'protocol';
    }

    const jsonEndpoints = (): Record<string, JsonEndpoint> => ({
        'creating a client': {
            method: 'POST',
            path: '/auth/oauth/clients',
            fields: client(),
            required: ['name', 'type', 'allowed_grants', 'allowed_scopes', 'redirect_uris', 'pkce_required'],
            shape: 'management'
        },
        'changing a client': {
            method: 'PATCH',
            path: `/auth/oauth/clients/${bot.client.id}`,
            fields: { name: 'Another', allowed_scopes: ['CREATE_POST'], redirect_uris: [] },
            required: [],
            shape: 'management'
        },
        'rotating a secret': {
            method: 'POST',
            path: `/auth/oauth/clients/${bot.client.id}/secret`,
            fields: { overlap_seconds: 60 },
            required: [],
            shape: 'management'
        },
        'deciding a device': {
            method: 'POST',
            path: '/oauth/device/consent',
            fields: { user_code: claimed.user_code, decision: 'approve' },
            required: ['user_code', 'decision'],
            shape: 'protocol'
        }
    });

    /** Values that no field takes, as JSON: some of them cannot be written otherwise. */
    const ODD_VALUES = [
        'null',
        '{}',
        '{"a":1}',
        '[[]]',
        '[null]',
        '[1]',
        '[{}]',
        '-1',
        '1.5',
        '1e999',
        '604801',
        '9007199254740993',
        '"\\u0000"',
        '"a\\u0000b"',
        '["\\u0000"]',
        '"\\ud800"',
        '["\\ud800"]',
        '["\\ud800CREATE_POST"]',
        '""',
        '" "',
        '[""]',
        `"${'x'.repeat(50_000)}"`,
        `["${'x'.repeat(50_000)}"]`,
        `[${Array.from({ length: 5000 }, () => '"openid"').join()}]`,
        `${'['.repeat(20_000)}${']'.repeat(20_000)}`
    ];

    const check = (shape: JsonEndpoint['shape'], sent: Sent, what: string, field?: string): void => {
        if (shape === 'management') {
            isInvalidField(sent, what, field);
        } else {
            isProtocolError(sent, what);
            expect(sent.status, what).to.equal(400);
            expect(sent.body.error, what).to.equal('invalid_request');
        }
    };

    it('is refused in every field of a JSON body, and nothing is written', async () => {
        await writingNothing(async () => {
            for (const [name, { method, path, fields, required, shape }] of Object.entries(jsonEndpoints())) {
                const post = (payload: string, accountId: string): Promise<Sent> =>
                    send(method, path, { type: 'application/json', payload }, accountId);
                for (const field of Object.keys(fields)) {
                    const others = Object.fromEntries(Object.entries(fields).filter(([key]) => key !== field));
                    if (required.includes(field)) {
                        check(shape, await post(JSON.stringify(others), FRIGG), `${name} without ${field}`, field);
                    }
                    for (const value of ODD_VALUES) {
                        const what = `${name} with ${field}: ${value.slice(0, 40)}`;
                        const json = JSON.stringify(others).replace(/,?\}$/, '');
                        const payload = `${json}${json === '{' ? '' : ','}${JSON.stringify(field)}:${value}}`;
                        const sent = await post(payload, FRIGG);
                        check(shape, sent, what, field);
                        await database.dataSource.query('DELETE FROM oauth_user_code_failures');
                    }
                }
            }
        });
    });

    it('is refused as a field that is unknown, where the fields are those of a form to manage', async () => {
        await writingNothing(async () => {
            for (const [name, { method, path, fields, shape }] of Object.entries(jsonEndpoints())) {
                if (shape === 'protocol') {
                    continue;
                }
                for (const field of [
                    'foo',
                    'id',
                    'account_id',
                    'client_id',
                    'scope_policy',
                    'constructor',
                    'x'.repeat(20_000)
                ]) {
                    const payload = JSON.stringify({ ...fields, [field]: 'x' });
                    const sent = await send(method, path, { type: 'application/json', payload }, FRIGG);
                    isInvalidField(sent, `${name} with ${field.slice(0, 20)}`, field.slice(0, 20));
                }
            }
        });
    });

    it('is refused as a whole body that is no JSON object', async () => {
        await writingNothing(async () => {
            for (const [name, { method, path, fields, shape }] of Object.entries(jsonEndpoints())) {
                const json = JSON.stringify(fields);
                const type = 'application/json';
                const bodies: Record<string, Body> = {
                    'a form': { type: FORM, payload: body({ user_code: claimed.user_code, decision: 'approve' }) },
                    'a form that calls itself JSON': { type, payload: 'name=x&type=public' },
                    'JSON that calls itself a form': { type: FORM, payload: json },
                    'JSON that calls itself text': { type: 'text/plain', payload: json },
                    'no type': { payload: json },
                    'an empty type': { type: '', payload: json },
                    'a type that ends alike': { type: 'application/x+json', payload: json },
                    'a broken type': { type: 'application', payload: json },
                    'an array': { type, payload: `[${json}]` },
                    'a string': { type, payload: '"x"' },
                    'a number': { type, payload: '7' },
                    null: { type, payload: 'null' },
                    true: { type, payload: 'true' },
                    'half of it': { type, payload: json.slice(0, -1) },
                    'more than it': { type, payload: `${json}}` },
                    'a comment': { type, payload: `/**/${json}` },
                    'single quotes': { type, payload: json.replaceAll('"', "'") },
                    blanks: { type, payload: '   ' },
                    'a NUL byte': { type, payload: `${json}\0` },
                    'a raw NUL byte in a string': { type, payload: json.replace('":', '\0":') },
                    'bytes that are not UTF-8': {
                        type,
                        payload: Buffer.concat([Buffer.from('{"name":"'), Buffer.from([0xff]), Buffer.from('"}')])
                    },
                    'an encoded surrogate': {
                        type,
                        payload: Buffer.concat([
                            Buffer.from('{"name":"'),
                            Buffer.from([0xed, 0xa0, 0x80]),
                            Buffer.from('"}')
                        ])
                    },
                    'UTF-16': { type: `${type}; charset=utf-16`, payload: Buffer.from(json, 'utf16le') },
                    gzip: { type, payload: gzipSync(json), headers: { 'content-encoding': 'gzip' } },
                    'an unknown encoding': { type, payload: json, headers: { 'content-encoding': 'x' } },
                    'a prototype': { type, payload: json.replace('{', '{"__proto__":{"name":"x"},') },
                    'an escaped prototype': { type, payload: json.replace('{', '{"\\u005f_proto__":{"name":"x"},') },
                    'a deep array': { type, payload: '['.repeat(30_000) + ']'.repeat(30_000) },
                    'a deep object': { type, payload: '{"a":'.repeat(10_000) + '1' + '}'.repeat(10_000) },
                    'an unclosed deep array': { type, payload: '['.repeat(60_000) },
                    'a megabyte': { type, payload: json.replace('{', `{"foo":"${'x'.repeat(MEGABYTE)}",`) },
                    'a megabyte of blanks': { type, payload: json + ' '.repeat(MEGABYTE) },
                    'random bytes': { type, payload: randomBytes(1000) },
                    'many fields': {
                        type,
                        payload: JSON.stringify(
                            Object.fromEntries(Array.from({ length: 3000 }, (_, place) => [`f${place}`, place]))
                        )
                    }
                };
                for (const [what, each] of Object.entries(bodies)) {
                    const sent = await send(method, path, each, FRIGG);
                    check(shape, sent, `${what}, ${name}`);
                }
            }
        });
    });

    it('is refused as no body where one is due', async () => {
        await writingNothing(async () => {
            for (const each of [{}, { type: 'application/json' }, { type: 'application/json', payload: '' }]) {
                check('management', await send('POST', '/auth/oauth/clients', each, FRIGG), 'no body');
                check('protocol', await send('POST', '/oauth/device/consent', each, FRIGG), 'no body');
            }
        });
    });

    it('is refused as a body that a deletion cannot have', async () => {
        const { client: doomed } = await forum.createClient(FRIGG);
        const paths = [
            `/auth/oauth/clients/${doomed.id}`,
            '/auth/oauth/tokens/00000000000000000000',
            `/auth/oauth/tokens?oauth_client_id=${doomed.id}`
        ];
        await writingNothing(async () => {
            for (const path of paths) {
                for (const each of [
                    { type: FORM, payload: 'a=b' },
                    { type: 'text/plain', payload: '{}' },
                    { payload: '{}' },
                    { type: 'application/json', payload: '{' },
                    { type: 'application/json', payload: '[]' },
                    { type: 'application/json', payload: '{"foo":1}' },
                    { type: 'application/json', payload: 'x'.repeat(MEGABYTE) },
                    { type: 'application/json', payload: gzipSync('{}'), headers: { 'content-encoding': 'gzip' } }
                ]) {
                    isInvalidField(await send('DELETE', path, each, FRIGG), `${path} ${each.type}`);
                }
            }
        });
        expect((await send('DELETE', paths[0]!, {}, FRIGG)).status).to.equal(204);
    });

    it('is refused in the query of a list', async () => {
        const long = 'x'.repeat(50_000);
        const queries: Record<string, string[]> = {
            '/auth/oauth/tokens': [
                ...['', '0', '-1', '1.5', 'x', '1e3', '01', '+1', ' 1', '1%00', '%FF', '0x1', long].map(
                    (page) => `page=${page}`
                ),
                'page=1&page=1',
                'page[]=1',
                ...['', 'x', 'ACTIVE', 'active%00', '%ED%A0%80', long].map((status) => `status=${status}`),
                'status=active&status=revoked',
                'oauth_client_id=',
                `oauth_client_id=${long}`,
                'oauth_client_id=x&oauth_client_id=y',
                'foo=bar',
                '__proto__=x',
                'constructor=x',
                'account_id=odin0000000000000000'
            ],
            '/auth/oauth/clients': ['page=1', 'foo', '__proto__=x', '%FF']
        };
        await writingNothing(async () => {
            for (const [path, each] of Object.entries(queries)) {
                for (const query of each) {
                    isInvalidField(await send('GET', `${path}?${query}`, {}, FRIGG), query.slice(0, 60));
                }
            }
            for (const query of [
                '',
                'oauth_client_id=',
                'oauth_client_id',
                'foo=x',
                'oauth_client_id=x&foo=y',
                'oauth_client_id=x&oauth_client_id=y',
                `oauth_client_id=${long}`
            ]) {
                isInvalidField(await send('DELETE', `/auth/oauth/tokens?${query}`, {}, FRIGG), query.slice(0, 60));
            }
        });
    });

    it('as the id in a path is an id that does not exist', async () => {
        const ids = [
            'x',
            '0',
            'null',
            '__proto__',
            'CC5LND2S1S4652ADTU50',
            'cc5lnd2s1s4652adtu5z',
            '%20cc5lnd2s1s4652adtu50',
            'cc5lnd2s1s4652adtu50%20',
            'cc5lnd2s1s4652adtu50%00',
            '%00',
            '%2F',
            '..%2f..',
            "'%20OR%20'1'='1",
            '%C3%A9',
            '%F0%9F%98%80',
            '%25',
            'x'.repeat(5000),
            'cc5lnd2s1s4652adtu50'
        ];
        await writingNothing(async () => {
            for (const id of ids) {
                const json = { type: 'application/json', payload: '{}' };
                const answers = [
                    await send('GET', `/auth/oauth/clients/${id}`, {}, FRIGG),
                    await send('PATCH', `/auth/oauth/clients/${id}`, json, FRIGG),
                    await send('DELETE', `/auth/oauth/clients/${id}`, {}, FRIGG),
                    await send('POST', `/auth/oauth/clients/${id}/secret`, json, FRIGG),
                    await send('DELETE', `/auth/oauth/tokens/${id}`, {}, FRIGG)
                ];
                for (const [place, sent] of answers.entries()) {
                    isManagementError(sent, `${place} ${id.slice(0, 40)}`);
                    expect(sent.status, `${place} ${id.slice(0, 40)}`).to.equal(404);
                    expect(sent.body.error).to.equal('not_found');
                }
            }
        });
    });

    it('in a path that cannot be decoded is refused', async () => {
        for (const id of ['%FF', '%ED%A0%80', '%C3%28', '%zz', '%']) {
            for (const [method, path] of [
                ['GET', `/auth/oauth/clients/${id}`],
                ['PATCH', `/auth/oauth/clients/${id}`],
                ['DELETE', `/auth/oauth/clients/${id}`],
                ['POST', `/auth/oauth/clients/${id}/secret`],
                ['DELETE', `/auth/oauth/tokens/${id}`]
            ] as const) {
                const { status, text } = await send(method, path, {}, FRIGG);
                expect(status, `${method} ${path}: ${text}`).to.equal(400);
                expect(JSON.parse(text)).to.include('error');
            }
        }
    });

    it('is refused in the query of a consent, and claims nothing', async () => {
        const { user_code: unread } = await forum.device();
        const queries = [
            '',
            'user_code',
            'user_code=',
            `user_code=${unread}&user_code=${unread}`,
            `user_code[]=${unread}`,
            `USER_CODE=${unread}`,
            `user_code=${unread}%00`,
            `user_code=%00${unread}`,
            `user_code=${unread}%FF`,
            `user_code=${unread}%ED%A0%80`,
            `user_code=${encodeURIComponent(unread.replace('-', '\u2010'))}`,
            `user_code=${unread}${'x'.repeat(50_000)}`,
            'user_code=%',
            'user_code=__proto__',
            '__proto__=x'
        ];
        await writingNothing(async () => {
            for (const query of queries) {
                const sent = await send('GET', `/oauth/device/consent?${query}`, {}, forum.addAccount());
                check('protocol', sent, query.slice(0, 60));
            }
        });
        expect((await send('GET', `/oauth/device/consent?user_code=${unread}&foo=bar`, {}, FRIGG)).status).to.equal(
            200
        );
    });

    it('in the headers of a session request has the shape of its endpoint', async () => {
        const { user_code: unread } = await forum.device();
        await writingNothing(async () => {
            const odd: Record<string, string>[] = [
                { origin: 'x'.repeat(100_000) },
                { origin: '\u00ff' },
                { 'sec-fetch-site': '\u00ff' },
                { cookie: 'session="; x' },
                { cookie: `session=${'x'.repeat(100_000)}` }
            ];
            for (const headers of odd) {
                const what = JSON.stringify(headers).slice(0, 50);
                const account = 'cookie' in headers ? null : FRIGG;
                const json = { type: 'application/json', payload: JSON.stringify(client()), headers };
                isManagementError(await send('POST', '/auth/oauth/clients', json, account), what);
                const consent = await send('GET', `/oauth/device/consent?user_code=${unread}`, { headers }, account);
                isProtocolError(consent, what);
            }
        });
    });

    it('does not matter to the documents', async () => {
        for (const path of [
            '/.well-known/openid-configuration?foo=%FF&__proto__=x',
            '/.well-known/oauth-authorization-server?page=x',
            '/oauth/jwks?kid=%00'
        ]) {
            const sent = await send('GET', path, {
                headers: { cookie: 'x="; \u00ff', accept: 'x', authorization: 'x' }
            });
            expect(sent.status, path).to.equal(200);
        }
    });

    it('of any making meets the shape of its endpoint and no mistake of ours', async () => {
        const routes: [string, string, 'management' | 'protocol'][] = [
            ['POST', '/oauth/token', 'protocol'],
            ['POST', '/oauth/device_authorization', 'protocol'],
            ['GET', '/oauth/device/consent', 'protocol'],
            ['POST', '/oauth/device/consent', 'protocol'],
            ['GET', '/auth/oauth/clients', 'management'],
            ['POST', '/auth/oauth/clients', 'management'],
            ['GET', '/auth/oauth/clients/{id}', 'management'],
            ['PATCH', '/auth/oauth/clients/{id}', 'management'],
            ['DELETE', '/auth/oauth/clients/{id}', 'management'],
            ['POST', '/auth/oauth/clients/{id}/secret', 'management'],
            ['GET', '/auth/oauth/tokens', 'management'],
            ['DELETE', '/auth/oauth/tokens/{id}', 'management'],
            ['DELETE', '/auth/oauth/tokens', 'management']
        ];
        const names = [
            ...['grant_type', 'client_id', 'client_secret', 'refresh_token', 'device_code', 'scope', 'resource'],
            ...['user_code', 'decision', 'name', 'type', 'allowed_grants', 'allowed_scopes', 'redirect_uris'],
            ...['pkce_required', 'overlap_seconds', 'page', 'status', 'oauth_client_id', '__proto__', 'toString']
        ];
        const text = fc.oneof(
            fc.constantFrom(
                CLI.client_id,
                CLI.scope,
                DEVICE_CODE,
                bot.client.id,
                bot.client.client_id,
                'refresh_token'
            ),
            fc.constantFrom(bot.client_secret, tokens.refresh_token, approved.device_code, claimed.user_code),
            fc.constantFrom('client_credentials', 'approve', 'deny', 'public', 'confidential', 'openid', 'active', '1'),
            fc.string({ unit: 'binary', maxLength: 60 }),
            fc.string({ maxLength: 30 })
        );
        const name = fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...names) }, { weight: 1, arbitrary: text });
        const json = fc.oneof(text, fc.array(text, { maxLength: 4 }), fc.jsonValue({ maxDepth: 4 }));
        const wellFormed = (value: string): string => encodeURIComponent(value.toWellFormed());
        const pairs = fc
            .array(fc.tuple(name, text), { maxLength: 8 })
            .map((list) => list.map(([key, value]) => `${wellFormed(key)}=${wellFormed(value)}`).join('&'));
        const payload = fc.oneof(
            pairs,
            fc.dictionary(name, json, { maxKeys: 7 }).map((value) => JSON.stringify(value)),
            fc.json({ maxDepth: 5 }),
            fc.string({ unit: 'binary', maxLength: 100 }),
            fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
            fc.constant(undefined)
        );
        const request = fc.record({
            route: fc.constantFrom(...routes),
            id: fc.oneof(fc.constant(bot.client.id), text),
            query: fc.oneof(fc.constant(''), pairs),
            payload,
            type: fc.constantFrom(FORM, 'application/json', 'text/plain', `${FORM};charset=x`, undefined),
            account: fc.constantFrom(FRIGG, 'odin0000000000000000', 'loki0000000000000000', 'nobody', null),
            authorization: fc.option(
                fc.oneof(
                    fc.tuple(text, text).map((pair) => `Basic ${Buffer.from(pair.join(':')).toString('base64')}`),
                    fc.string({ maxLength: 40 })
                )
            )
        });
        await fc.assert(
            fc.asyncProperty(request, async ({ route, id, query, payload: sentBody, type, account, authorization }) => {
                const [method, path, shape] = route;
                // An empty segment is another path.
                const place = path.replace('{id}', wellFormed(id) || 'x');
                const sent = await send(
                    method,
                    `${place}?${query}`,
                    {
                        type,
                        ...(sentBody !== undefined && method !== 'GET' && { payload: sentBody }),
                        ...(authorization !== null && { headers: { authorization } })
                    },
                    account
                );
                expect(sent.status, sent.text).to.be.below(500);
                if (sent.status >= 400 && !place.includes('/./') && !/\/\.{1,2}$/.test(place)) {
                    (shape === 'protocol' ? isProtocolError : isManagementError)(sent, `${method} ${place}`);
                }
            }),
            { numRuns: 300, seed: 20261121 }
        );
    });
});
