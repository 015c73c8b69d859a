import { randomBytes } from 'node:crypto';
import type { Request, ResponseObject, Server } from '@hapi/hapi';
import type { Settings } from '../../options/options';
import { defineCookie, readCookie } from './cookies';

/** 96 bits in base64url. */
const FORM_ID = /^[\w-]{16}$/;

/**
 * Keeps a form from being sent twice, as happens when the page that shows a new secret is reloaded. A cookie remembers
 * the last form that was sent.
 */
export class SpentForms {
    readonly #cookie: string;

    constructor(server: Server, settings: Pick<Settings, 'issuer'>) {
        this.#cookie = defineCookie(server, settings, 'spent');
    }

    /** An id for the hidden field `form_id`. */
    newId(): string {
        return randomBytes(12).toString('base64url');
    }

    isSpent({ state }: Request, form: URLSearchParams): boolean {
        const id = form.get('form_id');
        return id !== null && readCookie(state, this.#cookie) === id;
    }

    spend(response: ResponseObject, form: URLSearchParams): ResponseObject {
        const id = form.get('form_id');
        return id !== null && FORM_ID.test(id) ? response.state(this.#cookie, id) : response;
    }
}
