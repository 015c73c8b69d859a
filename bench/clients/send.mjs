/**
 * Sends a request by Node's own fetch: importing undici would put its dispatcher under the fetch of the libraries.
 *
 * @returns `{ status, location, text, body }`; body of a JSON response
 */
export async function send(method, url, { headers, body } = {}) {
    const response = await fetch(url, { method, headers, body, redirect: 'manual' });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.startsWith('application/json');
    return {
        status: response.status,
        location: response.headers.get('location'),
        text,
        body: isJson ? JSON.parse(text) : undefined
    };
}
