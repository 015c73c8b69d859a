import type { Servers, ServerName } from '../../scripts/servers/index.mjs';

/** Servers that a test needs beside those of the run, such as ones that are set up in another way. */
export async function startOwnServers(...names: ServerName[]): Promise<Servers & { urls: Record<string, string> }> {
    const { startServers } = await import('../../scripts/servers/index.mjs');
    const servers = startServers(names);
    const { urls } = await servers.ready;
    return { ...servers, urls };
}
