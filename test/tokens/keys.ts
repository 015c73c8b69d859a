import { generateKeyPairSync } from 'node:crypto';
import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { calculateJwkThumbprint, createLocalJWKSet, decodeProtectedHeader, jwtVerify, SignJWT, importJWK } from 'jose';
import type { JWK } from 'jose';
import { ALGORITHMS, generateSigningKey } from '../../plugin';
import { importKeys, type KeySet } from '../../plugin/tokens/keys';

const lab = Lab.script();
export { lab };
const { before, describe, it } = lab;

const ISSUER = 'https://forum.example';
const NOW = Date.parse('2026-11-21T12:00:00Z');
const CLAIMS = { iss: ISSUER, aud: ISSUER, sub: 'odin', iat: NOW / 1000, exp: NOW / 1000 + 60 };
const EXPECTED = { typ: 'at+jwt', issuer: ISSUER, audience: ISSUER, now: NOW };

let rsa: JWK;
let otherRsa: JWK;
let ec: JWK;
let otherEc: JWK;
let ed: JWK;
let otherEd: JWK;

before(async () => {
    [rsa, otherRsa, ec, otherEc, ed, otherEd] = await Promise.all([
        generateSigningKey('RS256'),
        generateSigningKey('RS256'),
        generateSigningKey('ES256'),
        generateSigningKey('ES256'),
        generateSigningKey('EdDSA'),
        generateSigningKey('EdDSA')
    ]);
});

const sign = (keys: KeySet): Promise<string> => keys.sign('at+jwt', CLAIMS);

const without = (jwk: JWK, ...names: string[]): JWK =>
    Object.fromEntries(Object.entries(jwk).filter(([name]) => !names.includes(name)));

describe('a new signing key', () => {
    it('is an RSA key of 2048 bits unless another algorithm is asked for', async () => {
        const jwk = await generateSigningKey();
        expect(jwk).to.include({ kty: 'RSA', alg: 'RS256', use: 'sig' });
        expect(Buffer.from(jwk.n!, 'base64url')).to.have.length(256);
    });

    it('is private, names its algorithm and has its thumbprint for a name', async () => {
        for (const alg of ALGORITHMS) {
            const jwk = await generateSigningKey(alg);
            expect(jwk.alg).to.equal(alg);
            expect(jwk.d).to.be.a.string();
            expect(jwk.kid).to.equal(await calculateJwkThumbprint(jwk));
            expect((await importKeys([jwk])).algorithms).to.equal([alg]);
        }
        expect(ec).to.include({ kty: 'EC', crv: 'P-256' });
        expect(ed).to.include({ kty: 'OKP', crv: 'Ed25519' });
    });

    it('is another one each time, and survives JSON', async () => {
        expect(ec.kid).to.not.equal(otherEc.kid);
        const copy = JSON.parse(JSON.stringify(rsa)) as JWK;
        expect((await importKeys([copy])).published.keys[0]!.kid).to.equal(rsa.kid);
    });

    it('is refused for an algorithm that the plugin does not know', async () => {
        for (const alg of ['HS256', 'none', 'PS256', 'ES384']) {
            await expect(generateSigningKey(alg as 'RS256')).to.reject(/knows RS256, ES256, EdDSA, but got/);
        }
    });
});

describe('signing keys', () => {
    it('sign with the first one, and say with which', async () => {
        for (const [list, alg] of [
            [[rsa, ec, ed], 'RS256'],
            [[ec, ed, rsa], 'ES256'],
            [[ed, rsa, ec], 'EdDSA']
        ] as const) {
            const keys = await importKeys(list);
            const token = await sign(keys);
            expect(decodeProtectedHeader(token)).to.equal({ alg, kid: list[0].kid, typ: 'at+jwt' });
            expect(await keys.verify(token, EXPECTED)).to.equal(CLAIMS);
        }
    });

    it('are published all, in their order, with public members only', async () => {
        const { published } = await importKeys([ec, rsa, ed]);
        expect(published).to.equal({
            keys: [
                { kty: 'EC', crv: 'P-256', x: ec.x, y: ec.y, use: 'sig', alg: 'ES256', kid: ec.kid },
                { kty: 'RSA', n: rsa.n, e: rsa.e, use: 'sig', alg: 'RS256', kid: rsa.kid },
                { kty: 'OKP', crv: 'Ed25519', x: ed.x, use: 'sig', alg: 'EdDSA', kid: ed.kid }
            ] as JWK[]
        });
        expect((await importKeys([rsa, otherRsa, ec])).algorithms).to.equal(['RS256', 'ES256']);
    });

    it('publish nothing that the host wrote beside them', async () => {
        const [key] = (await importKeys([{ ...ec, key_ops: ['sign'], ext: true, note: 'a secret' } as JWK])).published
            .keys;
        expect(Object.keys(key!).sort()).to.equal(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
    });

    it('make signatures that anybody can check with the published set', async () => {
        for (const jwk of [rsa, ec, ed]) {
            const keys = await importKeys([jwk]);
            const { payload } = await jwtVerify(await sign(keys), createLocalJWKSet(keys.published), {
                currentDate: new Date(NOW)
            });
            expect(payload).to.equal(CLAIMS);
        }
    });

    it('are named by their thumbprint where they have no kid, and by their kid where they have', async () => {
        const keys = await importKeys([without(ec, 'kid'), { ...rsa, kid: 'spring 2026' }]);
        expect(keys.published.keys.map(({ kid }) => kid)).to.equal([await calculateJwkThumbprint(ec), 'spring 2026']);
        expect(decodeProtectedHeader(await sign(keys)).kid).to.equal(ec.kid);
    });

    it('need no use', async () => {
        const keys = await importKeys([without(ec, 'use')]);
        expect(keys.published.keys[0]!.use).to.equal('sig');
    });

    it('of the host are left as they came', async () => {
        const given = Object.freeze({ ...without(ec, 'kid') });
        await importKeys(Object.freeze([given]));
        expect(given).to.equal(without(ec, 'kid'));
    });
});

describe('a rotation of signing keys', () => {
    it('is appended, moved first, and dropped: tokens of a listed key are good at every step', async () => {
        const before = await importKeys([rsa]);
        const appended = await importKeys([rsa, ec]);
        const moved = await importKeys([ec, rsa]);
        const dropped = await importKeys([ec]);
        const old = await sign(before);
        const late = await sign(appended);
        const fresh = await sign(moved);

        expect(decodeProtectedHeader(late).kid).to.equal(rsa.kid);
        expect(decodeProtectedHeader(fresh).kid).to.equal(ec.kid);
        for (const keys of [appended, moved]) {
            for (const token of [old, late, fresh]) {
                expect(await keys.verify(token, EXPECTED)).to.equal(CLAIMS);
            }
        }
        expect(await dropped.verify(fresh, EXPECTED)).to.equal(CLAIMS);
        await expect(dropped.verify(old, EXPECTED)).to.reject();
        expect(dropped.published.keys.map(({ kid }) => kid)).to.equal([ec.kid]);
    });
});

describe('a token', () => {
    it('is refused when no listed key signed it', async () => {
        const keys = await importKeys([rsa, ec]);
        await expect(keys.verify(await sign(await importKeys([otherEc])), EXPECTED)).to.reject();
        const impostor = await importKeys([{ ...otherEc, kid: ec.kid }]);
        await expect(keys.verify(await sign(impostor), EXPECTED)).to.reject();
    });

    it('is refused when its header names another algorithm than its key has', async () => {
        const keys = await importKeys([rsa, ec]);
        const header = (alg: string, kid: string | undefined) => ({ alg, typ: 'at+jwt', ...(kid && { kid }) });
        const secret = new TextEncoder().encode(JSON.stringify(keys.published.keys[0]));
        const hmac = await new SignJWT(CLAIMS).setProtectedHeader(header('HS256', rsa.kid)).sign(secret);
        await expect(keys.verify(hmac, EXPECTED)).to.reject();
        const crossed = await new SignJWT(CLAIMS)
            .setProtectedHeader(header('ES256', rsa.kid))
            .sign(await importJWK(ec, 'ES256'));
        await expect(keys.verify(crossed, EXPECTED)).to.reject();
        const anonymous = await new SignJWT(CLAIMS)
            .setProtectedHeader(header('ES256', undefined))
            .sign(await importJWK(ec, 'ES256'));
        await expect(keys.verify(anonymous, EXPECTED)).to.reject();
        const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
        await expect(keys.verify(`${encode(header('none', ec.kid))}.${encode(CLAIMS)}.`, EXPECTED)).to.reject();
    });

    it('is refused when it is of another type, issuer, audience or time', async () => {
        const keys = await importKeys([ec]);
        const token = await sign(keys);
        for (const other of [
            { typ: 'JWT' },
            { issuer: 'https://elsewhere.example' },
            { audience: 'https://elsewhere.example' },
            { now: NOW + 60_000 }
        ]) {
            await expect(keys.verify(token, { ...EXPECTED, ...other })).to.reject();
        }
        expect(await keys.verify(token, { ...EXPECTED, now: NOW + 59_000 })).to.equal(CLAIMS);
    });

    it('is refused without expiry, time of issue or subject', async () => {
        const keys = await importKeys([ec]);
        for (const name of ['exp', 'iat', 'sub'] as const) {
            const token = await keys.sign('at+jwt', without(CLAIMS as JWK, name));
            await expect(keys.verify(token, EXPECTED), name).to.reject();
        }
    });

    it('is refused when a character of it was changed', async () => {
        const keys = await importKeys([ed]);
        const token = await sign(keys);
        for (const place of [1, token.indexOf('.') + 5, token.lastIndexOf('.') + 3]) {
            const changed = token.slice(0, place) + (token[place] === 'A' ? 'B' : 'A') + token.slice(place + 1);
            await expect(keys.verify(changed, EXPECTED)).to.reject();
        }
    });
});

describe('a bad signing key', () => {
    /** The message for a list of keys whose second is bad. */
    async function refusal(bad: unknown): Promise<string> {
        const error = await expect(importKeys([rsa, bad as JWK])).to.reject(Error);
        expect(error.message).to.startWith('hapi-forum-oauth: "signingKeys[1]" ');
        return error.message;
    }

    it('has no algorithm, or one that the plugin does not know', async () => {
        expect(await refusal(without(ec, 'alg'))).to.contain('must have an alg of RS256, ES256, EdDSA, but got none');
        for (const alg of ['HS256', 'none', 'PS256', 'RS512', 'ES384', 'rs256', '', 256, null]) {
            expect(await refusal({ ...ec, alg })).to.contain(`but got ${JSON.stringify(alg)}`);
        }
    });

    it('is of another kind than its algorithm needs', async () => {
        expect(await refusal({ ...ec, alg: 'RS256' })).to.contain('must be RSA for RS256, but got P-256');
        expect(await refusal({ ...rsa, alg: 'ES256' })).to.contain('must be P-256 for ES256, but got RSA');
        expect(await refusal({ ...ec, alg: 'EdDSA' })).to.contain('must be Ed25519 for EdDSA, but got P-256');
        const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
        expect(await refusal({ ...privateKey.export({ format: 'jwk' }), alg: 'ES256' })).to.contain('but got P-384');
        const x25519 = generateKeyPairSync('x25519').privateKey.export({ format: 'jwk' });
        expect(await refusal({ ...x25519, alg: 'EdDSA' })).to.contain('but got X25519');
        expect(await refusal({ kty: 'oct', k: 'c2VjcmV0LXNlY3JldC1zZWNyZXQ', alg: 'RS256' })).to.contain('but got oct');
    });

    it('is a short RSA key', async () => {
        const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
        const short = { ...privateKey.export({ format: 'jwk' }), alg: 'RS256' };
        expect(await refusal(short)).to.contain('must have at least 2048 bits, but got 1024');
    });

    it('is a public key', async () => {
        const secret = ['d', 'p', 'q', 'dp', 'dq', 'qi'];
        for (const jwk of [otherRsa, ec, ed]) {
            expect(await refusal(without(jwk, ...secret))).to.contain('must be a private key, but got a public one');
        }
    });

    it('has two halves that do not match', async () => {
        const secretOf = ({ d, p, q, dp, dq, qi }: JWK): JWK => ({ d, p, q, dp, dq, qi });
        for (const mixed of [
            { ...otherRsa, ...secretOf(rsa) },
            { ...ec, d: otherEc.d },
            { ...ed, d: otherEd.d }
        ]) {
            expect(await refusal(mixed)).to.match(/cannot sign|not a readable JWK/);
        }
    });

    it('is damaged', async () => {
        for (const damaged of [
            without(otherRsa, 'n'),
            without(otherRsa, 'e'),
            without(otherRsa, 'p'),
            without(ec, 'y'),
            without(ed, 'x'),
            { ...ec, d: 'AAAA' },
            { ...ec, x: '!' },
            { ...otherRsa, n: 5 },
            { ...ed, d: '' }
        ]) {
            await refusal(damaged);
        }
    });

    it('is for encryption', async () => {
        expect(await refusal({ ...ec, use: 'enc' })).to.contain('must have the use "sig" or none');
    });

    it('has no usable name', async () => {
        for (const kid of ['', 5, null, 'x'.repeat(257)]) {
            expect(await refusal({ ...ec, kid })).to.contain('must have a kid of 1 to 256 characters or none');
        }
    });

    it('has the name of an earlier one', async () => {
        expect(await refusal({ ...ec, kid: rsa.kid })).to.contain('kid of its own');
        expect(await refusal(rsa)).to.contain('kid of its own');
        expect(await refusal(without(rsa, 'kid'))).to.contain('kid of its own');
    });

    it('is never shown in the message, whichever way it is bad', async () => {
        const secrets = [rsa, otherRsa, ec, otherEc, ed, otherEd].flatMap(({ d, p, q, dp, dq, qi, n, x, y }) =>
            [d, p, q, dp, dq, qi, n, x, y].filter((member) => member !== undefined)
        );
        for (const jwk of [otherRsa, ec, ed]) {
            for (const name of Object.keys(jwk)) {
                for (const bad of [
                    without(jwk, name),
                    { ...jwk, [name]: `${String((jwk as Record<string, unknown>)[name])}!` },
                    { ...jwk, [name]: 7 }
                ]) {
                    const error = await importKeys([bad]).then(
                        () => null,
                        (reason: Error) => reason
                    );
                    const text = `${error?.message} ${error?.stack} ${JSON.stringify(error)}`;
                    expect(secrets.some((secret) => text.includes(secret.slice(0, 12)))).to.be.false();
                }
            }
        }
    });
});
