/** A site as a browser knows it: where it is, and how a person signs in there. */
export interface Site {
    origin: string;
    /** The pages that the site sends a browser to, by their paths; each answers with the address to go to next. */
    pages: Record<string, (browser: Browser, page: URL) => Promise<URL>>;
}

/** Enough for every detour; more is a loop. */
const MAX_STEPS = 20;

/** A person at a browser: follows redirects, keeps each host's cookies, whatever the port, and acts on the pages of the sites it knows. */
export class Browser {
    readonly #cookies = new Map<string, Map<string, string>>();
    /** Every address that it went to, in order. */
    readonly visited: URL[] = [];

    constructor(private readonly sites: Site[]) {}

    /** One request of a page of that origin, with its cookies; redirects are answered, not followed. */
    async fetch(address: URL | string, init: RequestInit = {}): Promise<Response> {
        const url = new URL(address);
        const jar = this.#cookies.get(url.hostname) ?? new Map<string, string>();
        const headers = new Headers(init.headers);
        if (jar.size > 0) {
            headers.set('cookie', [...jar].map(([name, value]) => `${name}=${value}`).join('; '));
        }
        if (init.method !== undefined && init.method !== 'GET') {
            headers.set('origin', url.origin);
        }
        const response = await fetch(url, { ...init, headers, redirect: 'manual' });
        for (const cookie of response.headers.getSetCookie()) {
            const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie)!;
            if (/; *Max-Age=0\b/i.test(cookie)) {
                jar.delete(name!);
            } else {
                jar.set(name!, value!);
            }
        }
        this.#cookies.set(url.hostname, jar);
        return response;
    }

    /** Sends JSON and reads JSON, as the script of a page does. */
    // A test says what it expects of a body; the compiler cannot.
    // eslint-disable-next-line @typescript-eslint/no-explicit-any
    async json(method: 'GET' | 'POST' | 'PUT', address: URL | string, body?: object): Promise<any> {
        const response = await this.fetch(address, {
            method,
            ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
        });
        const text = await response.text();
        if (!response.ok) {
            throw new Error(`${method} ${String(address)} answered ${response.status}: ${text}`);
        }
        return text === '' ? undefined : JSON.parse(text);
    }

    /**
     * Opens an address and goes wherever it leads.
     *
     * @returns the last answer; undefined when the way led to an address outside the known sites, the last of `visited`
     */
    async open(address: URL | string): Promise<Response | undefined> {
        let url = new URL(address);
        for (let step = 0; step < MAX_STEPS; step += 1) {
            this.visited.push(url);
            const site = this.sites.find(({ origin }) => origin === url.origin);
            if (!site) {
                return undefined;
            }
            const act = site.pages[url.pathname];
            if (act) {
                url = await act(this, url);
                continue;
            }
            const response = await this.fetch(url);
            const location = response.headers.get('location');
            if (location === null) {
                return response;
            }
            url = new URL(location, url);
        }
        throw new Error(`Redirected in a circle: ${this.visited.map(String).join(' → ')}`);
    }

    /** The callback that an authorization request ends at, which no site answers. */
    async authorize(address: URL | string): Promise<URL> {
        const response = await this.open(address);
        if (response) {
            throw new Error(`No redirect but ${response.status}: ${await response.text()}`);
        }
        return this.visited.at(-1)!;
    }
}
