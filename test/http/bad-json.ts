import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { BadInput, FORM, isInvalidField, isInvalidRequest, MEGABYTE, type Body, type Sent } from '../support/bad-input';
import { FRIGG } from '../support/forum';

const lab = Lab.script();
export { lab };
const { after, before, describe, it } = lab;

describe('a bad body to a session endpoint', () => {
    let setting: BadInput;

    before(async () => {
        setting = await BadInput.create();
    });

    after(() => setting.done());

    const body = (fields: Record<string, string>): string => new URLSearchParams(fields).toString();

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
        /** The required fields. */
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
            path: `/auth/oauth/clients/${setting.bot.client.id}`,
            fields: { name: 'Another', allowed_scopes: ['CREATE_POST'], redirect_uris: [] },
            required: [],
            shape: 'management'
        },
        'rotating a secret': {
            method: 'POST',
            path: `/auth/oauth/clients/${setting.bot.client.id}/secret`,
            fields: { overlap_seconds: 60 },
            required: [],
            shape: 'management'
        },
        'deciding a device': {
            method: 'POST',
            path: '/oauth/device/consent',
            fields: { user_code: setting.claimed.user_code, decision: 'approve' },
            required: ['user_code', 'decision'],
            shape: 'protocol'
        }
    });

    /** Values that no field accepts, as JSON, since JavaScript cannot write some of them. */
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

    it('is refused for every field, and writes nothing', async () => {
        await setting.writingNothing(async () => {
            for (const [name, { method, path, fields, required, shape }] of Object.entries(jsonEndpoints())) {
                const post = (payload: string, accountId: string): Promise<Sent> =>
                    setting.send(method, path, { type: 'application/json', payload }, accountId);
                for (const field of Object.keys(fields)) {
                    const others = Object.fromEntries(Object.entries(fields).filter(([key]) => key !== field));
                    if (required.includes(field)) {
                        isInvalidRequest(
                            shape,
                            await post(JSON.stringify(others), FRIGG),
                            `${name} without ${field}`,
                            field
                        );
                    }
                    for (const value of ODD_VALUES) {
                        const what = `${name} with ${field}: ${value.slice(0, 40)}`;
                        const json = JSON.stringify(others).replace(/,?\}$/, '');
                        const payload = `${json}${json === '{' ? '' : ','}${JSON.stringify(field)}:${value}}`;
                        const sent = await post(payload, FRIGG);
                        isInvalidRequest(shape, sent, what, field);
                        await setting.database.dataSource.query('DELETE FROM oauth_user_code_failures');
                    }
                }
            }
        });
    });

    it('is refused for an unknown field of a management endpoint', async () => {
        await setting.writingNothing(async () => {
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
                    const sent = await setting.send(method, path, { type: 'application/json', payload }, FRIGG);
                    isInvalidField(sent, `${name} with ${field.slice(0, 20)}`, field.slice(0, 20));
                }
            }
        });
    });

    it('is refused where it is not a JSON object', async () => {
        await setting.writingNothing(async () => {
            for (const [name, { method, path, fields, shape }] of Object.entries(jsonEndpoints())) {
                const json = JSON.stringify(fields);
                const type = 'application/json';
                const bodies: Record<string, Body> = {
                    'a form': {
                        type: FORM,
                        payload: body({ user_code: setting.claimed.user_code, decision: 'approve' })
                    },
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
                    const sent = await setting.send(method, path, each, FRIGG);
                    isInvalidRequest(shape, sent, `${what}, ${name}`);
                }
            }
        });
    });

    it('is refused where there is none but one is required', async () => {
        await setting.writingNothing(async () => {
            for (const each of [{}, { type: 'application/json' }, { type: 'application/json', payload: '' }]) {
                isInvalidRequest(
                    'management',
                    await setting.send('POST', '/auth/oauth/clients', each, FRIGG),
                    'no body'
                );
                isInvalidRequest(
                    'protocol',
                    await setting.send('POST', '/oauth/device/consent', each, FRIGG),
                    'no body'
                );
            }
        });
    });

    it('is refused at a deletion, which takes no fields', async () => {
        const { client: doomed } = await setting.forum.createClient(FRIGG);
        const paths = [
            `/auth/oauth/clients/${doomed.id}`,
            '/auth/oauth/tokens/00000000000000000000',
            `/auth/oauth/tokens?oauth_client_id=${doomed.id}`
        ];
        await setting.writingNothing(async () => {
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
                    isInvalidField(await setting.send('DELETE', path, each, FRIGG), `${path} ${each.type}`);
                }
            }
        });
        expect((await setting.send('DELETE', paths[0]!, {}, FRIGG)).status).to.equal(204);
    });
});
