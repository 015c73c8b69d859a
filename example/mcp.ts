import * as Boom from '@hapi/boom';
import type { Request as HapiRequest, ResponseObject, ResponseToolkit, Server, ServerRoute } from '@hapi/hapi';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import { z } from 'zod';
import type { Threads } from './threads';

export const MCP_PATH = '/mcp';

/** The tools, and the permission that each one needs. */
const PERMISSIONS = {
    list_threads: 'READ_PUBLISHED_THREADS',
    read_thread: 'READ_PUBLISHED_THREADS',
    write_thread: 'CREATE_POST'
} as const;

/** What agents can have use for. */
export const MCP_SCOPES = [...new Set(Object.values(PERMISSIONS))];

/** What the endpoint asks of a client that has no token yet. */
const FIRST_SCOPES = [PERMISSIONS.list_threads];

/**
 * The forum's MCP endpoint, for AI agents: tools that list, read and write threads. It keeps no sessions: each request is
 * answered on its own, so that any process can do it.
 *
 * @param resource the identifier of the endpoint among the plugin's `resources`
 */
export function addMcp(server: Server, { threads, resource }: { threads: Threads; resource: string }): void {
    server.auth.strategy('mcp', 'oauth', { resource, challengeScope: FIRST_SCOPES });
    const options = {
        auth: 'mcp',
        cors: { origin: ['*'], additionalHeaders: ['MCP-Protocol-Version', 'Mcp-Session-Id'] },
        cache: { otherwise: 'no-store' }
    };
    const routes: ServerRoute[] = [
        {
            method: 'POST',
            path: MCP_PATH,
            options: { ...options, payload: { allow: 'application/json', maxBytes: 100_000 } },
            handler: (request, h) => answer(threads, request, h)
        },
        {
            // There is no stream of events, and no session to end.
            method: ['GET', 'DELETE'],
            path: MCP_PATH,
            options,
            handler: () => {
                const error = new Boom.Boom('Send messages by POST.', { statusCode: 405 });
                error.output.headers.Allow = 'POST';
                throw error;
            }
        }
    ];
    server.route(routes);
}

async function answer(threads: Threads, request: HapiRequest, h: ResponseToolkit): Promise<ResponseObject> {
    const { accountId, scope = [] } = request.auth.credentials;
    requirePermissions(request.payload, scope);
    const mcp = tools(threads, accountId!);
    const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true });
    await mcp.connect(transport);
    try {
        const { status, headers, body } = await respond(transport, request);
        const response = h.response(body).code(status);
        headers.forEach((value, name) => response.header(name, value));
        return response;
    } finally {
        await mcp.close();
    }
}

async function respond(
    transport: WebStandardStreamableHTTPServerTransport,
    { headers, payload }: HapiRequest
): Promise<{ status: number; headers: Headers; body: string }> {
    const message = new Request(`http://localhost${MCP_PATH}`, {
        method: 'POST',
        headers: headers as Record<string, string>
    });
    const response = await transport.handleRequest(message, { parsedBody: payload });
    return { status: response.status, headers: response.headers, body: await response.text() };
}

/**
 * A client asks the member for more where the whole request is 403, not where a tool reports an error. The plugin adds the
 * challenge to an error that says, as hapi's own does, what is needed.
 */
function requirePermissions(payload: unknown, scope: readonly string[]): void {
    for (const message of [payload].flat()) {
        const { method, params } = (message ?? {}) as { method?: unknown; params?: { name?: unknown } };
        const name = method === 'tools/call' ? params?.name : undefined;
        const needed = Object.entries(PERMISSIONS).find(([tool]) => tool === name)?.[1];
        if (needed !== undefined && !scope.includes(needed)) {
            throw Boom.forbidden(`The tool ${String(name)} needs ${needed}.`, { need: [{ required: [needed] }] });
        }
    }
}

function tools(threads: Threads, accountId: string): McpServer {
    const mcp = new McpServer({ name: 'small-forum', version: '1.0.0' });
    mcp.registerTool('list_threads', { description: 'Lists the 50 newest threads of the forum.' }, async () =>
        text((await threads.newest()).map(({ id, title, author }) => ({ id, title, author: author.handle })))
    );
    mcp.registerTool(
        'read_thread',
        { description: 'Reads one thread.', inputSchema: { id: z.string().max(40).describe('From list_threads.') } },
        async ({ id }) => {
            const thread = await threads.find(id);
            return thread ? text(thread) : { ...text('There is no such thread.'), isError: true };
        }
    );
    mcp.registerTool(
        'write_thread',
        {
            description: 'Writes a new thread in the name of the member.',
            inputSchema: { title: z.string().trim().min(1).max(200), body: z.string().min(1).max(10_000) }
        },
        async (thread) => text(await threads.write(accountId, thread))
    );
    return mcp;
}

function text(value: unknown): { content: { type: 'text'; text: string }[] } {
    return { content: [{ type: 'text', text: typeof value === 'string' ? value : JSON.stringify(value) }] };
}
