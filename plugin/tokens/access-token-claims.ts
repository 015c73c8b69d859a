import type { JWTPayload } from 'jose';

/** The claims of an access token (RFC 9068 §2.2). */
export interface AccessTokenClaims extends JWTPayload {
    iss: string;
    /** The account's id. */
    sub: string;
    aud: string;
    client_id: string;
    exp: number;
    iat: number;
    jti: string;
    /** The grant that the token belongs to. Absent in tokens that were issued before access tokens named it. */
    grant_id?: string;
    /** Literal, space-separated. */
    scope: string;
}

/** A valid access token of this issuer. */
export interface VerifiedToken {
    claims: AccessTokenClaims;
    /** The scopes that it names, literally. */
    scope: string[];
}
