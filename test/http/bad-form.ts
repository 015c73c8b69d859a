import { randomBytes } from 'node:crypto';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { BadInput, FORM, isProtocolError, MEGABYTE, type Body, type Sent } from '../support/bad-input';
import { CLI, DEVICE_CODE } from '../support/forum';

const lab = Lab.script();
export { lab };
const { after, before, describe, it } = lab;

/** Text that is no value of any parameter. */
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

describe('bad input to a protocol endpoint', () => {
    let setting: BadInput;

    before(async () => {
        setting = await BadInput.create();
    });

    after(() => setting.done());

    const body = (fields: Record<string, string>): string => new URLSearchParams(fields).toString();

    /** Requests that succeed as they are. */
    const forms = (): Record<string, { path: string; fields: Record<string, string> }> => ({
        'a client credentials request': {
            path: '/oauth/token',
            fields: {
                grant_type: 'client_credentials',
                client_id: setting.bot.client.client_id,
                client_secret: setting.bot.client_secret,
                scope: 'READ_PUBLISHED_THREADS',
                resource: 'https://forum.example'
            }
        },
        'a refresh': {
            path: '/oauth/token',
            fields: {
                grant_type: 'refresh_token',
                client_id: CLI.client_id,
                refresh_token: setting.tokens.refresh_token,
                scope: 'openid',
                resource: 'https://forum.example'
            }
        },
        'a device code exchange': {
            path: '/oauth/token',
            fields: {
                grant_type: DEVICE_CODE,
                client_id: CLI.client_id,
                device_code: setting.approved.device_code,
                resource: 'https://forum.example'
            }
        },
        'a device authorization request': {
            path: '/oauth/device_authorization',
            fields: { ...CLI, resource: 'https://forum.example' }
        }
    });

    /** The errors for a parameter that is missing, and for one with a wrong value. */
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

    it('is refused in every parameter of a form, and writes nothing', async () => {
        await setting.writingNothing(async () => {
            for (const [name, { path, fields }] of Object.entries(forms())) {
                const post = (payload: string | Buffer): Promise<Sent> =>
                    setting.send('POST', path, { type: FORM, payload });
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

    it('is refused as a body that is not a form', async () => {
        await setting.writingNothing(async () => {
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
                    const sent = await setting.send('POST', path, each);
                    isProtocolError(sent, `${what} as ${name}`);
                    expect(sent.status, `${what} as ${name}`).to.equal(400);
                    expect(sent.body.error, `${what} as ${name}`).to.equal('invalid_request');
                }
            }
        });
    });

    it('in headers is refused or ignored', async () => {
        await setting.writingNothing(async () => {
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
                const sent = await setting.send('POST', path, { type: FORM, payload, headers: each });
                isProtocolError(sent, JSON.stringify(each).slice(0, 60));
            }
        });
    });

    it('has only one fault in each request above: without it they succeed', async () => {
        for (const [name, { path, fields }] of Object.entries(forms())) {
            const sent = await setting.send('POST', path, { type: FORM, payload: body(fields) });
            expect(sent.status, `${name}: ${sent.text}`).to.equal(200);
        }
    });
});
