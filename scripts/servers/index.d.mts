export type ServerName = 'mariadb' | 'durable-mariadb' | 'tls-mariadb' | 'redis';

export interface Servers {
    ready: Promise<{ urls: Record<string, string>; control: string }>;
    stop(): Promise<void>;
}

export function startServers(names: ServerName[]): Servers;
