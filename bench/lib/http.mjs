import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';

export const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

/** How long a client waits for a response, milliseconds. */
const TIMEOUT = 10_000;

/**
 * Sends a request and reads the whole response.
 *
 * @returns `{ status, headers, body, text }`, or `{ failed: code }` without a response
 */
export async function send(method, url, { headers = {}, body } = {}) {
    try {
        const response = await request(url, { method, headers, body, signal: AbortSignal.timeout(TIMEOUT) });
        const text = await response.body.text();
        const json = String(response.headers['content-type']).startsWith('application/json');
        return {
            status: response.statusCode,
            headers: response.headers,
            body: json && text !== '' ? JSON.parse(text) : undefined,
            text
        };
    } catch (error) {
        return { failed: typeof error.code === 'string' ? error.code : error.name };
    }
}

/**
 * How long to wait before a request is sent again, milliseconds.
 *
 * @returns null for a response that is final
 */
export function retryDelay({ failed, status, headers, body }) {
    if (failed !== undefined) {
        return 100 + Math.random() * 900;
    }
    const after = Number(headers['retry-after']);
    const isProper = body?.error === 'temporarily_unavailable' || body?.error === 'unavailable';
    return (status === 503 || status === 429) && isProper && after >= 1 ? after * 1000 + Math.random() * 1000 : null;
}

/**
 * Sends a request again and again until the response is final.
 *
 * @param note called with every response and failure
 */
export async function persist(method, url, init, note = () => undefined) {
    for (;;) {
        const response = await send(method, url, init);
        note(response);
        const delay = retryDelay(response);
        if (delay === null) {
            return response;
        }
        await sleep(delay);
    }
}
