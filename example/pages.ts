import type { Request, ResponseToolkit, ServerRoute } from '@hapi/hapi';
import type { Accounts } from './accounts';
import { escapeHtml } from './html';
import { beginSession } from './session';

/** What the forum calls itself. */
export const NAME = 'A small forum';

/** Own styles only, and no other site may frame a page with a button on it. */
const CONTENT_SECURITY_POLICY = [
    "default-src 'none'",
    "style-src 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'"
    // No `form-action`: signing in may go on to the application that asked for it, wherever it is.
].join('; ');

/**
 * Where to go after the sign-in: a path of this forum, else its start page. Never another site: not by a scheme, not by
 * two slashes, and not by what browsers read as a slash (`\`) or leave out (tabs, line ends).
 */
export function safePath(text: unknown): string {
    const isPath = typeof text === 'string' && /^\/(?![/\\])[^\\\p{Cc}?#]*(?:[?#]\P{Cc}*)?$/u.test(text);
    return isPath ? text : '/';
}

/** The start page and the sign-in, to which the plugin sends people. All other pages are the plugin's. */
export function pageRoutes(accounts: Accounts): ServerRoute[] {
    return [
        page('GET', '/', async ({ auth }, h) => {
            const account = auth.isAuthenticated ? await accounts.find(auth.credentials.accountId!) : null;
            if (!account) {
                return h.response(
                    document(
                        NAME,
                        `<p>Sign in as odin, frigg or loki; the password is “password”.</p>
                        <p><a class="button primary" href="/login">Sign in</a></p>`
                    )
                );
            }
            const administrator = account.permissions.includes('ADMINISTRATOR');
            return h.response(
                document(
                    NAME,
                    `<p>You are signed in as ${escapeHtml(account.name)}.</p>
                    <nav aria-label="Settings"><ul class="plain">
                        <li><a href="/oauth/consent">Connect a device</a></li>
                        <li><a href="/settings/connected-apps">Connected apps</a></li>
                        <li><a href="/settings/my-apps">My apps</a></li>
                        ${administrator ? '<li><a href="/admin/apps">All applications</a></li>' : ''}
                    </ul></nav>
                    <p><a class="button" href="/login">Sign in as somebody else</a></p>`
                )
            );
        }),
        page('GET', '/login', ({ query }, h) => h.response(signInForm(safePath(query.return_to)))),
        page('POST', '/login', async (request, h) => {
            const form = (request.payload ?? {}) as Record<string, unknown>;
            const [handle, password] = [String(form.handle), String(form.password)];
            const returnTo = safePath(form.return_to);
            const site = request.headers['sec-fetch-site'] as string | undefined;
            if (site !== undefined && site !== 'same-origin') {
                return h.response(signInForm(returnTo, 'Another site sent this form.')).code(403);
            }
            const account = await accounts.signIn(handle, password);
            if (!account) {
                return h.response(signInForm(returnTo, 'The handle or the password is wrong.')).code(401);
            }
            beginSession(request, account.id);
            return h.redirect(returnTo).code(303);
        })
    ];
}

function signInForm(returnTo: string, problem?: string): string {
    return document(
        'Sign in',
        `${problem === undefined ? '' : `<p class="problem" role="alert">${problem}</p>`}
        <form method="post" action="/login">
            <input type="hidden" name="return_to" value="${escapeHtml(returnTo)}">
            <div class="field"><label for="handle">Handle</label>
                <input id="handle" name="handle" autocomplete="username" required autofocus></div>
            <div class="field"><label for="password">Password</label>
                <input id="password" name="password" type="password" autocomplete="current-password" required></div>
            <div class="buttons"><button class="primary">Sign in</button></div>
        </form>`
    );
}

function page(
    method: 'GET' | 'POST',
    path: string,
    handler: (
        request: Request,
        h: ResponseToolkit
    ) => ReturnType<ResponseToolkit['response']> | Promise<ReturnType<ResponseToolkit['response']>>
): ServerRoute {
    return {
        method,
        path,
        options: {
            auth: { strategy: 'session', mode: 'try' },
            cache: { otherwise: 'no-store' },
            ...(method === 'POST' && { payload: { allow: 'application/x-www-form-urlencoded', maxBytes: 10_000 } }),
            security: { hsts: false, referrer: 'same-origin', xframe: 'deny', noSniff: true }
        },
        handler: async (request, h) =>
            (await handler(request, h)).header('content-security-policy', CONTENT_SECURITY_POLICY)
    };
}

/** In the look of the plugin's pages. */
function document(title: string, body: string): string {
    return `<!doctype html>
<html lang="en">
    <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>${title}</title>
        <link rel="stylesheet" href="/oauth/pages/pages.css">
    </head>
    <body>
        <header class="top"><a class="brand" href="/">${NAME}</a></header>
        <main>
            <h1>${title}</h1>
            ${body}
        </main>
    </body>
</html>
`;
}
