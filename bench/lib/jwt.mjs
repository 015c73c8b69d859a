import { createPrivateKey, randomUUID, sign } from 'node:crypto';
import { promisify } from 'node:util';
import { ACCESS_TOKEN, ISSUER, signingKey } from './work.mjs';

const signBytes = promisify(sign);
const encode = (part) => Buffer.from(JSON.stringify(part)).toString('base64url');

/**
 * Creates a signer (RS256) for libraries that leave signing to their host. It uses node:crypto's asynchronous `sign`, the
 * cheapest way in Node.js.
 *
 * @returns a function that takes a header and claims, and resolves to a JWT
 */
export function createSigner() {
    const jwk = signingKey();
    const key = createPrivateKey({ key: jwk, format: 'jwk' });
    return async (header, claims) => {
        const input = `${encode({ alg: 'RS256', kid: jwk.kid, ...header })}.${encode(claims)}`;
        return `${input}.${(await signBytes('sha256', Buffer.from(input), key)).toString('base64url')}`;
    };
}

function lasting(claims) {
    const iat = Math.floor(Date.now() / 1000);
    return { iss: ISSUER, ...claims, iat, exp: iat + ACCESS_TOKEN };
}

/** The claims of an access token and of an ID token, as all servers sign them. */
export const accessTokenClaims = (accountId, clientId, scope) =>
    lasting({ sub: accountId, aud: ISSUER, client_id: clientId, jti: randomUUID(), scope });
export const idTokenClaims = (accountId, clientId) =>
    lasting({ sub: accountId, aud: clientId, name: accountId, preferred_username: accountId });
