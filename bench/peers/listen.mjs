import http from 'node:http';
import { ISSUER } from '../lib/work.mjs';

/**
 * Serves a library on node:http, and prints {"origin", "path"} of its token endpoint. `GET /seed?count=` returns new
 * refresh tokens.
 *
 * @param path of the token endpoint
 * @param seed creates a refresh token of the nth account
 * @param handle a request listener
 * @param respond instead of `handle`: takes the request and its form, returns { status, headers, body }
 */
export function listen({ path, seed, handle, respond }) {
    const read = async (request, response) => {
        let text = '';
        for await (const chunk of request.setEncoding('utf8')) {
            text += chunk;
        }
        const { status, headers, body } = await respond(request, Object.fromEntries(new URLSearchParams(text)));
        response.writeHead(status, { 'content-type': 'application/json', ...headers });
        response.end(JSON.stringify(body));
    };
    const serve = handle ?? read;
    const server = http.createServer(async (request, response) => {
        if (!request.url.startsWith('/seed')) {
            return serve(request, response);
        }
        const count = Number(new URL(request.url, ISSUER).searchParams.get('count'));
        response.end(JSON.stringify(await Promise.all(Array.from({ length: count }, (_, number) => seed(number)))));
    });
    server.listen(0, '127.0.0.1', () =>
        console.log(JSON.stringify({ origin: `http://127.0.0.1:${server.address().port}`, path }))
    );
}
