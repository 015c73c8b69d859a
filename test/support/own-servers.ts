import type { ServerName } from '../../scripts/servers/index.mjs';

export interface OwnServers {
    urls: Record<string, string>;
    act(name: ServerName, action: 'kill' | 'start' | 'pause' | 'resume'): Promise<void>;
    stop(): Promise<void>;
}

/** Servers that a test needs beside those of the run, such as ones that are set up in another way. */
export async function startOwnServers(...names: ServerName[]): Promise<OwnServers> {
    const { startServers } = await import('../../scripts/servers/index.mjs');
    const servers = startServers(names);
    const { urls, control } = await servers.ready;
    return {
        urls,
        act: async (name, action) => {
            await fetch(new URL(`${name}/${action}`, control), { method: 'POST' });
        },
        stop: () => servers.stop()
    };
}
