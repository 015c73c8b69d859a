/**
 * The cross-site rule: a cookie must not act for a page of another site. Browsers name the page in `Origin` and relate
 * it to the server in `Sec-Fetch-Site`. A request with neither header does not come from a browser and carries no cookie
 * that another site could use.
 */

/** The headers of a request, by lower-case name. */
export type Headers = Readonly<Record<string, unknown>>;

/**
 * Whether a request to a session endpoint may change something. `Origin` decides where it is present, otherwise
 * `Sec-Fetch-Site` does. Prefetches never may.
 *
 * @param allowed the origins whose pages may use the session
 */
export function mayChangeState(headers: Headers, allowed: ReadonlySet<unknown>): boolean {
    const { origin } = headers;
    return (origin === undefined ? isSameOrigin(headers) : allowed.has(origin)) && !isPrefetch(headers);
}

/**
 * Whether a form can come from one of the pages on the server's own origin. Pages without a referrer send the origin
 * `null`, so `Sec-Fetch-Site` decides where it is present. The form token must be checked as well.
 */
export function mayBeOwnForm(headers: Headers, ownOrigin: string): boolean {
    const { origin, 'sec-fetch-site': site } = headers;
    return site === undefined
        ? origin === undefined || origin === 'null' || origin === ownOrigin
        : isSameOrigin(headers);
}

/**
 * Whether a GET can come from a script. A picture, a frame or a link opens any URL, also from the site itself, and browsers
 * tell which it is in `Sec-Fetch-Dest`.
 */
export function mayBeScript({ 'sec-fetch-dest': destination }: Headers): boolean {
    return destination === undefined || destination === 'empty';
}

/** Whether a request can be a page that a person opens in a window: no picture, frame or prefetch. */
export function isNavigation(headers: Headers): boolean {
    const destination = headers['sec-fetch-dest'];
    return (destination === undefined || destination === 'document') && !isPrefetch(headers);
}

/** What `Sec-Fetch-Site` says. `none` is a person's own act, such as opening a bookmark. */
function isSameOrigin({ 'sec-fetch-site': site }: Headers): boolean {
    return site === undefined || site === 'same-origin' || site === 'none';
}

function isPrefetch({ 'sec-purpose': purpose }: Headers): boolean {
    return typeof purpose === 'string' && /\bpre(fetch|render)\b/i.test(purpose);
}
