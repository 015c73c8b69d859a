export type ServerName =
    | 'mariadb'
    | 'durable-mariadb'
    | 'tls-mariadb'
    | 'primary-mariadb'
    | 'replica-mariadb'
    | `galera-${1 | 2 | 3}`
    | 'redis'
    | 'redis-2'
    | 'redis-cluster'
    | 'sentinel';

export interface Servers {
    ready: Promise<{ urls: Record<string, string>; control: string }>;
    stop(): Promise<void>;
}

export function startServers(names: ServerName[]): Servers;

/** The library of a Galera cluster; undefined where it is not on this machine. */
export const galeraLibrary: string | undefined;
