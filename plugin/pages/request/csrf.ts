import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Request, ResponseObject, Server } from '@hapi/hapi';
import type { Settings } from '../../options/options';
import { defineCookie, readCookie } from './cookies';

/** 256 bits in base64url. */
const SECRET = /^[\w-]{43}$/;

/**
 * The anti-forgery tokens of the forms. A token is an HMAC of the account's id under a secret that the browser keeps in a
 * cookie, so it is useless in another browser and after another account has signed in.
 */
export class CsrfTokens {
    readonly #cookie: string;

    constructor(server: Server, settings: Pick<Settings, 'issuer'>) {
        this.#cookie = defineCookie(server, settings, 'form');
    }

    /** The token for a form. `newSecret` is set when the browser has no secret yet: pass it to `keepSecret`. */
    issue(request: Request, accountId: string): { token: string; newSecret: string | undefined } {
        const known = this.#secretOf(request);
        const secret = known ?? randomBytes(32).toString('base64url');
        return { token: tokenOf(secret, accountId), newSecret: known === undefined ? secret : undefined };
    }

    keepSecret(response: ResponseObject, secret: string): void {
        response.state(this.#cookie, secret);
    }

    /** Whether a token was issued to this account in this browser. */
    isValid(request: Request, accountId: string, token: string | null): boolean {
        const secret = this.#secretOf(request);
        if (secret === undefined) {
            return false;
        }
        const expected = Buffer.from(tokenOf(secret, accountId));
        const given = Buffer.from(token ?? '');
        return given.length === expected.length && timingSafeEqual(given, expected);
    }

    #secretOf({ state }: Request): string | undefined {
        const secret = readCookie(state, this.#cookie);
        return secret !== undefined && SECRET.test(secret) ? secret : undefined;
    }
}

function tokenOf(secret: string, accountId: string): string {
    return createHmac('sha256', secret).update(accountId).digest('base64url');
}
