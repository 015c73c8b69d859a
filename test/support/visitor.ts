import type { Server } from '@hapi/hapi';

export interface Shown {
    status: number;
    headers: Record<string, string | string[] | undefined>;
    html: string;
    /** Where a redirect goes. */
    location: string | undefined;
}

/** Someone's browser at pages with forms: keeps cookies, and fills a form's hidden fields in. */
export class Visitor {
    readonly cookies = new Map<string, string>();
    /** The page that was last opened. */
    html = '';

    constructor(
        readonly server: Server,
        accountId?: string
    ) {
        if (accountId !== undefined) {
            this.cookies.set('session', accountId);
        }
    }

    get(url: string, headers: Record<string, string> = {}): Promise<Shown> {
        return this.#send('GET', url, undefined, headers);
    }

    /** Sends a form with the token of the page that was last opened, unless the fields have another. */
    post(
        url: string,
        fields: Record<string, string | string[]> = {},
        headers: Record<string, string> = {}
    ): Promise<Shown> {
        const body = new URLSearchParams();
        for (const [name, values] of Object.entries({ form_token: this.hidden('form_token'), ...fields })) {
            for (const value of [values].flat()) {
                body.append(name, value);
            }
        }
        return this.#send('POST', url, body.toString(), headers);
    }

    /** Enters the code of a device, as its page has it done. */
    async enterCode(code: string, path = '/oauth/consent', headers: Record<string, string> = {}): Promise<Shown> {
        await this.get(path);
        return this.post(path, { user_code: code }, headers);
    }

    /** A hidden field of the page that was last opened. */
    hidden(name: string): string {
        return new RegExp(`name="${name}" value="([^"]*)"`).exec(this.html)?.[1] ?? '';
    }

    async #send(
        method: string,
        url: string,
        payload: string | undefined,
        headers: Record<string, string>
    ): Promise<Shown> {
        const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
        const response = await this.server.inject({
            method,
            url,
            headers: {
                ...(cookie !== '' && { cookie }),
                ...(payload !== undefined && { 'content-type': 'application/x-www-form-urlencoded' }),
                ...headers
            },
            ...(payload !== undefined && { payload })
        });
        for (const set of [response.headers['set-cookie'] ?? []].flat()) {
            const [, name, value] = /^([^=]+)=([^;]*)/.exec(set)!;
            if (/Max-Age=0/i.test(set)) {
                this.cookies.delete(name!);
            } else {
                this.cookies.set(name!, value!);
            }
        }
        this.html = response.payload;
        return {
            status: response.statusCode,
            headers: response.headers as Shown['headers'],
            html: response.payload,
            location: response.headers.location
        };
    }
}
