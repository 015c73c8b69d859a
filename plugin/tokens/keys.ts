import { createPrivateKey, createPublicKey, sign, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, jwtVerify } from 'jose';
import type { CryptoKey, JWK, JWTPayload } from 'jose' with { 'resolution-mode': 'import' };

/** The algorithms that keys may be made for (RFC 7518 §3.3, §3.4; RFC 8037 §3.1). */
export const ALGORITHMS = ['RS256', 'ES256', 'EdDSA'] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

const MEMBERS: Record<Algorithm, { kty: string; crv?: string; published: string[]; secret: string[] }> = {
    RS256: { kty: 'RSA', published: ['n', 'e'], secret: ['d', 'p', 'q', 'dp', 'dq', 'qi'] },
    ES256: { kty: 'EC', crv: 'P-256', published: ['crv', 'x', 'y'], secret: ['d'] },
    EdDSA: { kty: 'OKP', crv: 'Ed25519', published: ['crv', 'x'], secret: ['d'] }
};

const MINIMUM_RSA_BITS = 2048;

/** What `node:crypto` calls the digest of each algorithm; EdDSA has its own within. */
const DIGESTS: Record<Algorithm, string | null> = { RS256: 'sha256', ES256: 'sha256', EdDSA: null };

/** Signs in a thread of the pool, and costs less than Web Crypto's way there. */
const signBytes = promisify(sign);

interface SigningKey {
    kid: string;
    alg: Algorithm;
    privateKey: KeyObject;
    publicKey: CryptoKey;
    published: JWK;
}

/** The signing keys of one server: the first signs, the first RS256 key signs ID tokens, all verify and are published. */
export class KeySet {
    readonly #keys: Map<string, SigningKey>;
    readonly #current: SigningKey;
    readonly #forIdTokens: SigningKey;

    constructor(keys: SigningKey[]) {
        this.#keys = new Map(keys.map((key) => [key.kid, key]));
        this.#current = keys[0]!;
        this.#forIdTokens = keys.find(({ alg }) => alg === 'RS256') ?? this.#current;
    }

    /** The JWK Set (RFC 7517 §5), public members only. */
    get published(): { keys: JWK[] } {
        return { keys: [...this.#keys.values()].map((key) => key.published) };
    }

    /** The algorithms of all keys, once each. */
    get algorithms(): Algorithm[] {
        return [...new Set([...this.#keys.values()].map((key) => key.alg))];
    }

    /** Whether one of the keys is an RS256 key, the only kind that every client of OpenID Connect knows. */
    get hasRs256(): boolean {
        return this.#forIdTokens.alg === 'RS256';
    }

    /** A compact JWS over the claims of an access token, by the first key. */
    sign(typ: string, claims: JWTPayload): Promise<string> {
        return signBy(this.#current, typ, claims);
    }

    /**
     * A compact JWS over the claims of an ID token, by the first RS256 key: older clients know no other algorithm (OpenID
     * Connect Core §15.1). By the first key where there is none.
     */
    signForClient(typ: string, claims: JWTPayload): Promise<string> {
        return signBy(this.#forIdTokens, typ, claims);
    }

    /**
     * The claims of a JWT that one of the keys signed.
     *
     * @param expected `audience` where it matters; `now`, epoch milliseconds, 0 to accept expired ones
     * @throws jose's errors, for whatever is wrong with it
     */
    async verify(
        token: string,
        expected: { typ: string; issuer: string; audience?: string; now: number }
    ): Promise<JWTPayload> {
        const { payload } = await jwtVerify(
            token,
            ({ kid, alg }) => {
                const key = kid === undefined ? undefined : this.#keys.get(kid);
                if (key?.alg !== alg) {
                    throw new Error('No such key');
                }
                return key.publicKey;
            },
            {
                algorithms: this.algorithms,
                typ: expected.typ,
                issuer: expected.issuer,
                ...(expected.audience !== undefined && { audience: expected.audience }),
                currentDate: new Date(expected.now),
                requiredClaims: ['exp', 'iat', 'sub']
            }
        );
        return payload;
    }
}

function signBy(key: SigningKey, typ: string, claims: JWTPayload): Promise<string> {
    const { alg, kid } = key;
    return signCompact(key, { alg, kid, typ }, claims);
}

/** A JWS in compact serialisation (RFC 7515 §7.1). */
async function signCompact(
    { alg, privateKey }: Pick<SigningKey, 'alg' | 'privateKey'>,
    header: object,
    claims: JWTPayload
): Promise<string> {
    const input = `${encodePart(header)}.${encodePart(claims)}`;
    // ES256 is the two numbers side by side (RFC 7518 §3.4), not their DER.
    const key = { key: privateKey, dsaEncoding: 'ieee-p1363' as const };
    const signature = await signBytes(DIGESTS[alg], Buffer.from(input), key);
    return `${input}.${signature.toString('base64url')}`;
}

function encodePart(part: object): string {
    return Buffer.from(JSON.stringify(part)).toString('base64url');
}

/**
 * Imports the `signingKeys` option, and proves that each key signs what its published half verifies.
 *
 * @throws Error that names the key by its place in the list and what is wrong with it, never its content
 */
export async function importKeys(jwks: readonly JWK[]): Promise<KeySet> {
    const keys: SigningKey[] = [];
    for (const [place, jwk] of jwks.entries()) {
        try {
            const key = await importKey(jwk);
            if (keys.some(({ kid }) => kid === key.kid)) {
                throw new Error('must have a kid of its own, but an earlier key has the same');
            }
            keys.push(key);
        } catch (error) {
            throw new Error(`hapi-forum-oauth: "signingKeys[${place}]" ${(error as Error).message}`);
        }
    }
    return new KeySet(keys);
}

async function importKey(jwk: JWK): Promise<SigningKey> {
    const alg = ALGORITHMS.find((name) => name === jwk.alg);
    if (!alg) {
        throw new Error(`must have an alg of ${ALGORITHMS.join(', ')}, but got ${JSON.stringify(jwk.alg) ?? 'none'}`);
    }
    const members = MEMBERS[alg];
    if (jwk.kty !== members.kty || jwk.crv !== members.crv) {
        throw new Error(`must be ${members.crv ?? members.kty} for ${alg}, but got ${String(jwk.crv ?? jwk.kty)}`);
    }
    if (jwk.use !== undefined && jwk.use !== 'sig') {
        throw new Error('must have the use "sig" or none');
    }
    if (typeof jwk.d !== 'string') {
        throw new Error('must be a private key, but got a public one');
    }
    if (jwk.kid !== undefined && (typeof jwk.kid !== 'string' || jwk.kid === '' || jwk.kid.length > 256)) {
        throw new Error('must have a kid of 1 to 256 characters or none');
    }
    const pick = (names: string[]): JWK =>
        Object.fromEntries(Object.entries(jwk).filter(([name]) => names.includes(name)));
    const half: JWK = { ...pick(members.published), kty: members.kty };
    const kid = jwk.kid ?? (await calculateJwkThumbprint(half).catch(unreadable));
    const published: JWK = { ...half, use: 'sig', alg, kid };
    const publicKey = (await importJWK(half, alg).catch(unreadable)) as CryptoKey;
    const bits =
        alg === 'RS256' ? createPublicKey({ key: half, format: 'jwk' }).asymmetricKeyDetails?.modulusLength : 0;
    if (alg === 'RS256' && (bits ?? 0) < MINIMUM_RSA_BITS) {
        throw new Error(`must have at least ${MINIMUM_RSA_BITS} bits, but got ${bits}`);
    }
    const privateKey = importPrivate({ ...half, ...pick(members.secret) });
    await prove({ kid, alg, privateKey, publicKey, published });
    return { kid, alg, privateKey, publicKey, published };
}

function importPrivate(key: JWK): KeyObject {
    try {
        return createPrivateKey({ key, format: 'jwk' });
    } catch {
        return unreadable();
    }
}

function unreadable(): never {
    throw new Error('is not a readable JWK of its kind');
}

async function prove(key: SigningKey): Promise<void> {
    try {
        const token = await signCompact(key, { alg: key.alg }, {});
        await jwtVerify(token, key.publicKey);
    } catch {
        throw new Error('cannot sign: its private half does not match its public half');
    }
}

/**
 * A new private key for the `signingKeys` option, with `alg` and a `kid` that is its RFC 7638 thumbprint.
 *
 * @param alg RS256 (2048 bits) by default, as OpenID Connect clients all know it
 */
export async function generateSigningKey(alg: Algorithm = 'RS256'): Promise<JWK> {
    if (!ALGORITHMS.includes(alg)) {
        throw new Error(`generateSigningKey knows ${ALGORITHMS.join(', ')}, but got ${String(alg)}`);
    }
    const { privateKey } = await generateKeyPair(alg, { extractable: true, modulusLength: MINIMUM_RSA_BITS });
    const jwk = await exportJWK(privateKey);
    return { ...jwk, use: 'sig', alg, kid: await calculateJwkThumbprint(jwk) };
}

/**
 * New private keys for the `signingKeys` option, in this order: ES256, which signs access tokens for less CPU, and RS256,
 * which signs ID tokens that every client can read.
 */
export async function generateSigningKeys(): Promise<JWK[]> {
    return Promise.all([generateSigningKey('ES256'), generateSigningKey('RS256')]);
}
