import type { Request, ResponseObject, Server } from '@hapi/hapi';
import type { Settings } from '../../options/options';
import { defineCookie, readCookie } from './cookies';

/** Messages that one page leaves for the next to show, such as “Application deleted.” */
export class Notices {
    readonly #cookie: string;

    constructor(server: Server, settings: Pick<Settings, 'issuer'>) {
        this.#cookie = defineCookie(server, settings, 'notice');
    }

    /** @param key of the text, without its prefix `notice.` */
    leave(response: ResponseObject, key: string): ResponseObject {
        return response.state(this.#cookie, key);
    }

    /** The key that an earlier page left. */
    read({ state }: Request): string | undefined {
        return readCookie(state, this.#cookie);
    }

    clear(response: ResponseObject): void {
        response.unstate(this.#cookie);
    }
}
