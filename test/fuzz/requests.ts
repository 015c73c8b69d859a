import { deflateSync, gzipSync } from 'node:zlib';
import type { RequestRoute } from '@hapi/hapi';
import * as fc from 'fast-check';
import { parametersOf, type App } from '../support/authorization';
import { basic, DEVICE_CODE, ISSUER } from '../support/forum';
import { ADMINISTRATOR, BROWSER, SUSPENDED, type Live, type Setting } from './setting';

/** A request before it is sent. */
export interface Draft {
    method: string;
    path: string;
    query: [string, string][];
    headers: Record<string, string>;
    /** At most one of the two. */
    form?: [string, string][];
    json?: Record<string, unknown>;
    /** Added to query and form as they are, percent signs and all. */
    unencoded: string;
    /** What is done to the bytes of the body. */
    spoil: ((body: Buffer) => Buffer)[];
}

/** What is sent. */
export interface Sent {
    method: string;
    url: string;
    headers: Record<string, string>;
    payload: Buffer;
}

/** How a request is made up: numbers pick among what there is when it is sent, so that a seed makes the same again. */
export interface Recipe {
    route: number;
    /** Nearly as it should be, or made of hostile parts only. */
    isNearlyValid: boolean;
    who: number;
    picks: number[];
    mutations: Mutation[];
    /** Seconds that pass before. */
    pass: number;
    /** Sent as bytes over a socket, and what is done to them. */
    socket: { at: number; remove: number; insert: Uint8Array }[] | null;
}

type Mutation =
    | { do: 'replace'; at: number; text: string }
    | { do: 'another'; at: number; kind: number; pick: number }
    | { do: 'tweak'; at: number; how: number }
    | { do: 'repeat'; at: number }
    | { do: 'drop'; at: number }
    | { do: 'add'; name: string; text: string }
    | { do: 'value'; at: number; value: unknown }
    | { do: 'header'; name: string; value: string }
    | { do: 'drop header'; at: number }
    | { do: 'spoil'; how: number; bytes: Uint8Array }
    | { do: 'unencoded'; text: string }
    | { do: 'method'; method: string }
    | { do: 'path'; how: number; text: string };

/** As often one number as another. */
const nat = fc.noBias(fc.nat({ max: 1000 }));

const NAMES = [
    'client_id',
    'client_secret',
    'grant_type',
    'scope',
    'state',
    'resource',
    'redirect_uri',
    'response_type',
    'response_mode',
    'prompt',
    'max_age',
    'nonce',
    'request',
    'request_uri',
    'registration',
    'login_after',
    'code',
    'code_verifier',
    'code_challenge',
    'code_challenge_method',
    'token',
    'token_type_hint',
    'refresh_token',
    'device_code',
    'user_code',
    'request_id',
    'decision',
    'page',
    'status',
    'account_id',
    'oauth_client_id',
    'name',
    'type',
    'overlap_seconds',
    'client_secret_hash',
    'scope_policy',
    'q',
    'owner',
    'back',
    'form_id',
    '__proto__',
    'constructor',
    'prototype',
    'hasOwnProperty',
    'toString',
    'length',
    'name[]',
    'name[0]',
    '',
    '0'
];

const ODD = [
    '',
    ' ',
    '\0',
    'a\0b',
    '\r\nSet-Cookie: session=x',
    '\ud800',
    'x\udc00y',
    '\ufeff',
    '\u202e\u2028',
    '😀'.repeat(70),
    "' OR '1'='1' -- ",
    '%00',
    '%ff%fe',
    '../../../etc/passwd',
    '<script>alert(1)</script>',
    '{{constructor.name}}',
    '${7*7}',
    '__proto__',
    'constructor',
    'null',
    'undefined',
    'NaN',
    'true',
    '[]',
    '{}',
    '0',
    '-1',
    '1e309',
    '9007199254740993',
    '99999999999999999999999',
    'javascript:alert(1)',
    'https://evil.example',
    '//evil.example',
    'https://app.example@evil.example/cb',
    'http://127.0.0.1:1/cb',
    'urn:ietf:params:oauth:grant-type:jwt-bearer',
    'none',
    'login',
    'consent none',
    'openid',
    'offline_access ADMINISTRATOR',
    'cc5lnd2s1s4652adtu50',
    'eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.e30.',
    'sdort_cc5lnd2s1s4652adtu50' + 'A'.repeat(72),
    'x'.repeat(65),
    'x'.repeat(129),
    'x'.repeat(300),
    'x'.repeat(5000),
    'é'.repeat(40_000),
    'x'.repeat(70_000)
];

const text = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...ODD) },
    {
        weight: 3,
        arbitrary: fc
            .array(fc.oneof(...[0x7f, 0xffff, 0x10ffff].map((max) => fc.nat({ max }))), { maxLength: 40 })
            .map((points) => String.fromCodePoint(...points))
    }
);

const name = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...NAMES) },
    { weight: 1, arbitrary: text.map((long) => long.slice(0, 200)) }
);

const value = fc.oneof(
    fc.constantFrom<unknown>(
        null,
        true,
        0,
        -1,
        1.5,
        1e308,
        2 ** 53,
        [],
        {},
        [null],
        [[]],
        { length: 1 },
        '',
        Array(300).fill('x'),
        Array(101).fill('https://app.example/x')
    ),
    fc.jsonValue({ maxDepth: 3 }),
    text,
    fc.array(text, { maxLength: 5 })
);

/** Only what a header can carry: the parser of HTTP refuses all else before anybody sees it. */
const headerText = text.map((odd) => odd.replace(/[^\t\x20-\x7e\xa0-\xff]/g, '').slice(0, 9000));

const header = fc.oneof(
    fc.record({ name: fc.constant('content-type'), value: fc.constantFrom(...contentTypes()) }),
    fc.record({
        name: fc.constant('content-encoding'),
        value: fc.constantFrom('gzip', 'deflate', 'br', 'identity', 'GZIP', 'x', '', 'gzip, gzip')
    }),
    fc.record({
        name: fc.constant('authorization'),
        value: fc.oneof(
            fc.constantFrom(
                'Basic',
                'Bearer',
                'Basic ',
                'Bearer  ',
                'Basic Og==',
                'Basic !!!!',
                'Bearer a.b.c',
                'Digest x'
            ),
            headerText,
            headerText.map((odd) => `Bearer ${odd}`),
            text.map((odd) => `Basic ${Buffer.from(odd).toString('base64')}`.slice(0, 9000))
        )
    }),
    fc.record({
        name: fc.constant('cookie'),
        value: fc.oneof(
            fc.constantFrom('session', 'session=', '=;=', 'session=a; session=b', 'session="a', ';;;', 'session=é'),
            headerText,
            headerText.map((odd) => `session=${odd}`)
        )
    }),
    fc.record({
        name: fc.constantFrom('origin', 'referer'),
        value: fc.oneof(fc.constantFrom(ISSUER, 'null', 'https://evil.example', `${ISSUER}.evil.example`), headerText)
    }),
    fc.record({
        name: fc.constantFrom('sec-fetch-site', 'sec-purpose', 'sec-fetch-mode'),
        value: fc.constantFrom('same-origin', 'cross-site', 'none', 'prefetch', 'prefetch;prerender', '', 'same-site')
    }),
    fc.record({
        name: fc.constantFrom(
            'accept',
            'accept-encoding',
            'accept-language',
            'if-none-match',
            'if-modified-since',
            'range',
            'host',
            'expect',
            'x-forwarded-for',
            'x-forwarded-host',
            'x-http-method-override',
            'access-control-request-method',
            'access-control-request-headers'
        ),
        value: fc.oneof(headerText, fc.constantFrom('*', 'POST', 'gzip;q=x', 'bytes=0-1', '"x"', 'evil.example'))
    })
);

function contentTypes(): string[] {
    const form = 'application/x-www-form-urlencoded';
    return [
        form,
        `${form}; charset=utf-16`,
        `${form};charset="UTF-8"; x=y`,
        `${form},application/json`,
        'application/json',
        'application/json; charset=latin1',
        'APPLICATION/JSON',
        'application/json;',
        'application/merge-patch+json',
        'multipart/form-data; boundary=x',
        'multipart/form-data',
        'text/plain',
        'text/html; charset=\xff',
        'application/octet-stream',
        '',
        ';',
        '/',
        'x'.repeat(3000)
    ];
}

const bytes = fc.uint8Array({ maxLength: 24 });

const mutation: fc.Arbitrary<Mutation> = fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('replace' as const), at: nat, text }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('another' as const), at: nat, kind: nat, pick: nat }) },
    { weight: 6, arbitrary: fc.record({ do: fc.constant('tweak' as const), at: nat, how: nat }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('repeat' as const), at: nat }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('drop' as const), at: nat }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('add' as const), name, text }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('value' as const), at: nat, value }) },
    { weight: 4, arbitrary: header.map((odd) => ({ do: 'header' as const, ...odd })) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('drop header' as const), at: nat }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('spoil' as const), how: nat, bytes }) },
    {
        weight: 1,
        arbitrary: fc.record({
            do: fc.constant('unencoded' as const),
            text: fc.constantFrom('%', '%f', '%zz=%', '%ff=%fe', '%c0%ae', '&&&', '=', '&=&', '%00', '&a=%ud800', '+%')
        })
    },
    {
        weight: 1,
        arbitrary: fc.record({
            do: fc.constant('method' as const),
            method: fc.constantFrom('GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND')
        })
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('path' as const), how: nat, text }) }
);

/** What fast-check makes up. */
export const recipe: fc.Arbitrary<Recipe> = fc.record({
    route: nat,
    isNearlyValid: fc.integer({ min: 0, max: 3 }).map((number) => number > 0),
    who: nat,
    picks: fc.array(nat, { minLength: 6, maxLength: 6 }),
    mutations: fc.array(mutation, { maxLength: 3 }),
    pass: fc.oneof({ weight: 60, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.constantFrom(61, 301, 901) }),
    socket: fc.oneof(
        { weight: 19, arbitrary: fc.constant(null) },
        {
            weight: 1,
            arbitrary: fc.array(fc.record({ at: nat, remove: fc.nat({ max: 8 }), insert: bytes }), { maxLength: 3 })
        }
    )
});

/** Picks by number among what there is. */
class Chooser {
    #next = 0;

    constructor(
        readonly live: Live,
        private readonly picks: readonly number[]
    ) {}

    /** Mostly the newest. */
    of<Item>(items: readonly Item[]): Item {
        const pick = this.picks[this.#next++ % this.picks.length]!;
        return items[(items.length * 1001 - 1 - pick) % items.length]!;
    }

    app(): App {
        return this.of(this.live.clients);
    }
}

/** A request of a route: nearly valid, or not at all. */
export function draftOf(setting: Setting, route: RequestRoute, made: Recipe): Draft {
    const { live } = setting;
    const choose = new Chooser(live, made.picks);
    const draft = made.isNearlyValid
        ? validDraft(live, route, choose, made.who)
        : bareDraft(route, `/${ODD[made.picks[0]! % ODD.length]!.slice(0, 300)}`);
    for (const each of made.mutations) {
        mutate(draft, each, live);
    }
    return draft;
}

const isPage = (route: RequestRoute): boolean => route.realm.plugin === 'hapi-forum-oauth-pages';

function bareDraft({ method, path }: RequestRoute, parameter: string): Draft {
    return {
        method: method.toUpperCase(),
        path: path.replace(/\{[^}]*\}/g, encode(parameter.slice(1))),
        query: [],
        headers: {},
        unencoded: '',
        spoil: []
    };
}

function validDraft(live: Live, route: RequestRoute, choose: Chooser, who: number): Draft {
    const { path } = route;
    const ids = /tokens/.test(path) ? live.tokenIds : live.clientIds;
    const draft = bareDraft(route, `/${choose.of(ids)}`);
    const account = accountFor(live, route, who);
    const isProtocol = /^\/api\/oauth\//.test(path);
    if (account !== null) {
        draft.headers.cookie = `session=${account}`;
    }
    if (isPage(route)) {
        fillPage(draft, live, choose, account);
    } else if (/consent$/.test(path)) {
        fillConsent(draft, live, choose, path);
    } else if (path === '/api/oauth/authorize') {
        const app = choose.app();
        draft.query.push(
            ...parametersOf(app, {
                scope: choose.of(SCOPES),
                prompt: choose.of(['consent', 'none', null]),
                resource: choose.of(RESOURCES),
                client_id: choose.of([
                    ...Array.from({ length: 4 }, () => app.client_id),
                    'https://agent.example/client.json'
                ])
            })
        );
    } else if (path === '/api/oauth/register') {
        fillRegistration(draft, choose);
    } else if (isProtocol && draft.method === 'POST') {
        fillForm(draft, choose, path);
    } else {
        fillJson(draft, choose, path);
    }
    if (/userinfo|threads/.test(path)) {
        draft.headers.authorization = `Bearer ${choose.of(live.accessTokens)}`;
    }
    return draft;
}

const SCOPES = [
    'openid profile offline_access',
    'openid offline_access READ_PUBLISHED_THREADS',
    'CREATE_POST',
    'openid email',
    ''
];

const RESOURCES = [ISSUER, `${ISSUER}/mcp`, null, null];

function fillRegistration(draft: Draft, choose: Chooser): void {
    setJson(draft, {
        client_name: 'An agent',
        redirect_uris: ['https://agent.example/cb', choose.of(['http://127.0.0.1/cb', 'com.example.agent:/cb'])],
        grant_types: ['authorization_code', 'refresh_token', DEVICE_CODE],
        response_types: ['code'],
        token_endpoint_auth_method: choose.of(['none', 'client_secret_basic', 'client_secret_post']),
        application_type: choose.of(['native', 'web']),
        client_uri: 'https://agent.example',
        scope: choose.of(SCOPES)
    });
}

/** Mostly the one that has something to do there. */
function accountFor(live: Live, { path }: RequestRoute, who: number): string | null {
    const place = who % 10;
    if (place < 6) {
        return /\/admin\//.test(path) ? ADMINISTRATOR : live.accounts[0]!;
    }
    return place === 6 ? null : place === 7 ? SUSPENDED : live.accounts[who % live.accounts.length]!;
}

function fillPage(draft: Draft, live: Live, choose: Chooser, account: string | null): void {
    const form: [string, string][] = [
        ['user_code', choose.of(live.userCodes)],
        ['request_id', choose.of(live.requestIds).text],
        ['page', '1'],
        ['account_id', choose.of(live.accounts)],
        ['type', choose.of(['public', 'confidential'])]
    ];
    if (draft.method === 'GET') {
        draft.query.push(...form, ['q', 'App'], ['owner', live.accounts[0]!], ['status', 'active']);
        return;
    }
    draft.headers.cookie = `${draft.headers.cookie ?? 'a=b'}; __Host-oauth-form=${BROWSER}`;
    draft.form = [
        ['form_token', live.formTokens.get(account ?? '') ?? ''],
        ...form,
        ['name', 'An application'],
        ['public_grants', 'authorization_code'],
        ['confidential_grants', 'client_credentials'],
        ['redirect_uris', 'https://app.example/cb\nhttp://127.0.0.1/cb'],
        ['scopes', 'openid'],
        ['scopes', 'CREATE_POST'],
        ['stays_connected', 'on'],
        ['overlap_seconds', '3600'],
        ['decision', choose.of(['approve', 'deny'])],
        ['form_id', 'AAAAAAAAAAAAAAAA'],
        ['back', '/admin/apps/tokens']
    ];
}

function fillConsent(draft: Draft, live: Live, choose: Chooser, path: string): void {
    const isDevice = /device/.test(path);
    const request = choose.of(live.requestIds);
    const [name, subject] = isDevice ? ['user_code', choose.of(live.userCodes)] : ['request_id', request.text];
    if (!isDevice && draft.headers.cookie !== undefined) {
        draft.headers.cookie = `session=${request.accountId}`;
    }
    if (draft.method === 'GET') {
        draft.query.push([name, subject]);
    } else {
        setJson(draft, { [name]: subject, decision: choose.of(['approve', 'approve', 'deny']) });
    }
}

function fillForm(draft: Draft, choose: Chooser, path: string): void {
    const { live } = choose;
    const form: [string, string][] = [];
    draft.form = form;
    const authenticate = (clientId: string): void => {
        const secret = live.confidential.find((app) => app.client_id === clientId)?.secret;
        if (secret !== undefined && choose.of([true, false])) {
            Object.assign(draft.headers, basic(clientId, secret));
            return;
        }
        form.push(['client_id', clientId]);
        if (secret !== undefined) {
            form.push(['client_secret', secret]);
        }
    };
    if (/token$/.test(path)) {
        fillTokenRequest(form, choose, authenticate);
    } else if (/device_authorization$/.test(path)) {
        form.push(['client_id', choose.of(['storyden-cli', choose.app().client_id])], ['scope', choose.of(SCOPES)]);
    } else {
        const refresh = choose.of(live.refreshTokens);
        const isForServers = /introspect/.test(path);
        authenticate(isForServers ? choose.of(live.confidential).client_id : refresh.clientId);
        form.push(
            ['token', choose.of([refresh.text, choose.of(live.accessTokens)])],
            ['token_type_hint', 'refresh_token']
        );
    }
}

function fillTokenRequest(form: [string, string][], choose: Chooser, authenticate: (clientId: string) => void): void {
    const { live } = choose;
    const grant = choose.of([
        'refresh_token',
        'authorization_code',
        DEVICE_CODE,
        'client_credentials',
        'refresh_token'
    ]);
    form.push(['grant_type', grant]);
    const resource = choose.of(RESOURCES);
    if (resource !== null) {
        form.push(['resource', resource]);
    }
    if (grant === 'refresh_token') {
        const { text: token, clientId } = choose.of(live.refreshTokens);
        authenticate(clientId);
        form.push(['refresh_token', token], ['scope', choose.of(['', 'openid'])]);
    } else if (grant === 'authorization_code') {
        const { app, code, redirectUri, verifier } = choose.of(live.codes);
        authenticate(app.client_id);
        form.push(['code', code], ['redirect_uri', redirectUri], ['code_verifier', verifier]);
    } else if (grant === DEVICE_CODE) {
        const { text: code, clientId } = choose.of(live.deviceCodes);
        authenticate(clientId);
        form.push(['device_code', code]);
    } else {
        authenticate(choose.of(live.confidential).client_id);
        form.push(['scope', choose.of(['', 'CREATE_POST'])]);
    }
}

function fillJson(draft: Draft, choose: Chooser, path: string): void {
    const { live } = choose;
    const change = {
        name: 'An application',
        redirect_uris: ['https://app.example/cb', 'http://127.0.0.1/cb'],
        allowed_scopes: ['openid', 'offline_access', 'CREATE_POST']
    };
    if (draft.method === 'GET' || draft.method === 'DELETE') {
        if (/tokens$/.test(path)) {
            draft.query.push(['oauth_client_id', choose.of(live.clientIds)]);
        }
        if (/tokens$/.test(path) && draft.method === 'GET') {
            draft.query.push(['page', '1'], ['status', 'active']);
        }
        return;
    }
    if (draft.method === 'PATCH') {
        setJson(draft, change);
    } else if (/secret$/.test(path)) {
        setJson(draft, { overlap_seconds: 3600 });
    } else {
        const isConfidential = choose.of([true, false]);
        setJson(draft, {
            ...change,
            type: isConfidential ? 'confidential' : 'public',
            allowed_grants: ['authorization_code', 'refresh_token', ...(isConfidential ? ['client_credentials'] : [])],
            pkce_required: true,
            ...(/admin/.test(path) && { account_id: live.accounts[0]! })
        });
    }
}

function setJson(draft: Draft, json: Record<string, unknown>): void {
    draft.json = json;
}

/** All that could be put where something else belongs. */
function anything(live: Live, kind: number, pick: number): string {
    const kinds = [
        live.accounts,
        live.clients.map((app) => app.client_id),
        live.confidential.map((app) => app.secret!),
        live.refreshTokens.map((token) => token.text),
        live.accessTokens,
        live.idTokens,
        live.codes.map((code) => code.code),
        live.codes.map((code) => code.verifier),
        live.deviceCodes.map((code) => code.text),
        live.userCodes,
        live.requestIds.map((request) => request.text),
        live.clientIds,
        live.tokenIds,
        [...live.formTokens.values()]
    ];
    const items = kinds[kind % kinds.length]!;
    return items[pick % items.length] ?? '';
}

const TWEAKS: ((text: string) => string)[] = [
    (text) => text.slice(0, -1),
    (text) => text.slice(1),
    (text) => `${text} `,
    (text) => ` ${text}`,
    (text) => `${text}\0`,
    (text) => `${text}=`,
    (text) => text + text,
    (text) => text.toUpperCase(),
    (text) => text.toLowerCase(),
    (text) => encode(encode(text)),
    (text) => text.replace(/.$/s, (last) => (last === 'A' ? 'B' : 'A')),
    (text) => text.replace(/^(.{30})./s, '$1\uff21'),
    (text) => text.split('').reverse().join(''),
    (text) => text.replaceAll('.', '..'),
    (text) => `${text}\n`,
    (text) => `${text}/../x?y#z`
];

const SPOILS: ((body: Buffer, bytes: Uint8Array) => Buffer)[] = [
    (body) => body.subarray(0, Math.floor(body.length / 2)),
    (body, bytes) => Buffer.concat([body, bytes]),
    (body, bytes) => Buffer.concat([bytes, body]),
    (body) => Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), body]),
    (body) => Buffer.concat([body, Buffer.from([0xff, 0xfe, 0xc0, 0x80])]),
    (body) => Buffer.from(body.toString('utf8'), 'utf16le'),
    (body) => gzipSync(body),
    (body) => gzipSync(body).subarray(0, 12),
    (body) => deflateSync(body),
    () => Buffer.alloc(0),
    () => Buffer.from('['.repeat(30_000)),
    () => Buffer.from('{"a":'.repeat(5000) + '1' + '}'.repeat(5000)),
    () => Buffer.from('{"__proto__":{"isAdmin":true},"constructor":{"prototype":{"x":1}}}'),
    () => Buffer.from('{"name":"a","name":"b"}'),
    () => Buffer.from('null'),
    () => Buffer.from('"text"'),
    () => Buffer.from('123'),
    () => Buffer.from('[1,2]'),
    () => Buffer.from('a=1&'.repeat(200)),
    () => Buffer.alloc(65 * 1024, 'x'),
    (_body, bytes) => Buffer.from(bytes)
];

/** A parameter of a draft, wherever it is. */
interface Place {
    get: string;
    set(this: void, value: unknown): void;
    repeat(this: void): void;
    drop(this: void): void;
}

function placesOf(draft: Draft): Place[] {
    const ofList = (list: [string, string][]): Place[] =>
        list.map((pair, index) => ({
            get: pair[1],
            set: (next) => (list[index] = [pair[0], typeof next === 'string' ? next : (JSON.stringify(next) ?? '')]),
            repeat: () => list.push([...pair]),
            drop: () => list.splice(index, 1)
        }));
    const json = draft.json ?? {};
    const ofJson = Object.keys(json).map((key): Place => ({
        get: typeof json[key] === 'string' ? json[key] : JSON.stringify(json[key]),
        set: (next) => (json[key] = next),
        repeat: () => (json[key] = [json[key], json[key]]),
        drop: () => delete json[key]
    }));
    return [...ofList(draft.query), ...ofList(draft.form ?? []), ...ofJson];
}

function mutate(draft: Draft, each: Mutation, live: Live): void {
    const places = placesOf(draft);
    const place = 'at' in each ? places[each.at % places.length] : undefined;
    switch (each.do) {
        case 'replace':
            return place?.set(each.text);
        case 'another':
            return place?.set(anything(live, each.kind, each.pick));
        case 'tweak':
            return place?.set(TWEAKS[each.how % TWEAKS.length]!(place.get));
        case 'value':
            return place?.set(each.value);
        case 'repeat':
            return place?.repeat();
        case 'drop':
            return place?.drop();
        case 'add':
            return add(draft, each.name, each.text);
        case 'header':
            draft.headers[each.name] = each.value;
            return;
        case 'drop header': {
            const names = Object.keys(draft.headers);
            delete draft.headers[names[each.at % names.length] ?? ''];
            return;
        }
        case 'spoil':
            draft.spoil.push((body) => SPOILS[each.how % SPOILS.length]!(body, each.bytes));
            return;
        case 'unencoded':
            draft.unencoded += each.text;
            return;
        case 'method':
            draft.method = each.method;
            return;
        case 'path':
            draft.path = otherPath(draft.path, each.how, each.text.slice(0, 2000));
    }
}

function add(draft: Draft, name: string, text: string): void {
    if (draft.json) {
        Object.defineProperty(draft.json, name, { value: text, enumerable: true, configurable: true, writable: true });
    } else if (draft.form) {
        draft.form.push([name, text]);
    } else {
        draft.query.push([name, text]);
    }
}

function otherPath(path: string, how: number, text: string): string {
    const paths = [
        `${path}/`,
        `${path}//`,
        `/${path}`,
        path.toUpperCase(),
        `${path}/${encode(text)}`,
        path.replace(/[^/]*$/, encode(text)),
        path.replace(/[^/]*$/, '..'),
        path.replace(/[^/]*$/, '%2e%2e%2f'),
        path.replace(/[^/]*$/, '%'),
        path.replace(/[^/]*$/, '%ff'),
        path.replace(/[^/]*$/, '%00'),
        `${path};a=b`,
        `${path}%20`,
        path.replace('/api', '')
    ];
    return paths[how % paths.length]!;
}

/** The bytes and headers of a draft. */
export function finish(draft: Draft): Sent {
    const { form, json, headers } = draft;
    const query = pairs(draft.query);
    let payload = Buffer.alloc(0);
    const sent = { ...headers };
    if (form) {
        payload = Buffer.from(pairs(form) + draft.unencoded);
        sent['content-type'] ??= 'application/x-www-form-urlencoded';
    } else if (json) {
        payload = Buffer.from(JSON.stringify(json));
        sent['content-type'] ??= 'application/json';
    }
    for (const spoil of draft.spoil) {
        payload = Buffer.from(spoil(payload));
    }
    const search = query + (form ? '' : draft.unencoded);
    return { method: draft.method, url: draft.path + (search === '' ? '' : `?${search}`), headers: sent, payload };
}

/** A request as it goes over the wire, with what is done to its bytes. */
export function bytesOf({ method, url, headers, payload }: Sent, spoiled: NonNullable<Recipe['socket']>): Buffer {
    const all = { host: 'forum.example', 'content-length': String(payload.length), connection: 'close', ...headers };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
    let wire = Buffer.concat([Buffer.from(`${method} ${url} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1'), payload]);
    for (const { at, remove, insert } of spoiled) {
        const from = Math.floor((wire.length * at) / 1000);
        wire = Buffer.concat([wire.subarray(0, from), insert, wire.subarray(from + remove)]);
    }
    return wire;
}

function pairs(list: readonly [string, string][]): string {
    return list.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&');
}

function encode(text: string): string {
    return encodeURIComponent(text.toWellFormed());
}
