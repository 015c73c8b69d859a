import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Request, ResponseObject, Server } from '@hapi/hapi';
import type { Settings } from '../options/options';

/** 256 bits in base64url. */
const SECRET = /^[\w-]{43}$/;

/**
 * What tells a form of ours from a forged one: a token that follows from a cookie and the account. It is worthless in
 * another browser, and a page that was left open is worthless to the next account that signs in.
 */
export class Forms {
    readonly #cookie: string;
    readonly #notice: string;
    readonly #spent: string;

    constructor(server: Server, { issuer }: Pick<Settings, 'issuer'>) {
        const secure = issuer.startsWith('https:');
        // No other host of the domain can set a cookie of this prefix.
        const prefix = secure ? '__Host-' : '';
        this.#cookie = `${prefix}oauth-form`;
        this.#notice = `${prefix}oauth-notice`;
        this.#spent = `${prefix}oauth-spent`;
        for (const name of [this.#cookie, this.#notice, this.#spent]) {
            server.state(name, {
                encoding: 'none',
                path: '/',
                isSecure: secure,
                isHttpOnly: true,
                // Strict would be left out where an application sends somebody here.
                isSameSite: 'Lax',
                ignoreErrors: true,
                clearInvalid: true
            });
        }
    }

    /** The secret of this browser, a new one where it has none yet. */
    secretOf(request: Request): { secret: string; isNew: boolean } {
        const found = request.state[this.#cookie];
        return typeof found === 'string' && SECRET.test(found)
            ? { secret: found, isNew: false }
            : { secret: randomBytes(32).toString('base64url'), isNew: true };
    }

    keepSecret(response: ResponseObject, secret: string): void {
        response.state(this.#cookie, secret);
    }

    token(secret: string, accountId: string): string {
        return createHmac('sha256', secret).update(accountId).digest('base64url');
    }

    /** Whether a form that an account sent is one that it was given in this browser. */
    isOurs(request: Request, accountId: string, token: string | null): boolean {
        const { secret, isNew } = this.secretOf(request);
        const expected = Buffer.from(this.token(secret, accountId));
        const given = Buffer.from(token ?? '');
        return !isNew && given.length === expected.length && timingSafeEqual(given, expected);
    }

    /** Has the next page say something, by the key of a text. */
    leaveNotice(response: ResponseObject, key: string): ResponseObject {
        return response.state(this.#notice, key);
    }

    takeNotice(request: Request): string | undefined {
        return (request.state as Record<string, string | undefined>)[this.#notice];
    }

    clearNotice(response: ResponseObject): void {
        response.unstate(this.#notice);
    }

    /** A name for one form that must not work twice, as when the page that it led to is loaded again. */
    newId(): string {
        return randomBytes(12).toString('base64url');
    }

    isSpent(request: Request, id: string | null): boolean {
        return id !== null && request.state[this.#spent] === id;
    }

    spend(response: ResponseObject, id: string | null): ResponseObject {
        return id !== null && /^[\w-]{16}$/.test(id) ? response.state(this.#spent, id) : response;
    }
}
