import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';

export const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

/** How long a client waits for an answer, milliseconds. */
const PATIENCE = 10_000;

/**
 * Sends a request and reads the whole answer.
 *
 * @returns `{ failed: code }` when there was none
 */
export async function send(method, url, { headers = {}, body } = {}) {
    try {
        const response = await request(url, { method, headers, body, signal: AbortSignal.timeout(PATIENCE) });
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

/** When to come back after an answer that says later, milliseconds; null when it does not say so as it should. */
export function comeBack({ failed, status, headers, body }) {
    if (failed !== undefined) {
        return 100 + Math.random() * 900;
    }
    const after = Number(headers['retry-after']);
    const isProper = body?.error === 'temporarily_unavailable' || body?.error === 'unavailable';
    return (status === 503 || status === 429) && isProper && after >= 1 ? after * 1000 + Math.random() * 1000 : null;
}

/**
 * Sends a request until it is answered with something else than to come back later.
 *
 * @param note told of every answer and failure
 */
export async function persist(method, url, init, note = () => undefined) {
    for (;;) {
        const answer = await send(method, url, init);
        note(answer);
        const wait = comeBack(answer);
        if (wait === null) {
            return answer;
        }
        await sleep(wait);
    }
}
