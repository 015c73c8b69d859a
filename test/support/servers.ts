/** A server that this test run started for itself and may therefore take away. */
export interface ThrowawayServer {
    /** SIGKILL: connections break, what was committed to MariaDB stays, Redis loses everything. */
    kill(): Promise<void>;
    /** Resolves when it answers again, at the same address; does nothing to one that runs. */
    start(): Promise<void>;
    /** Stops answering without breaking a connection, until `resume`. */
    pause(): Promise<void>;
    resume(): Promise<void>;
}

type Name = 'mariadb' | 'redis';

/** Undefined where the tests run against a server that someone else started: such a test has to be skipped. */
export function throwawayServer(name: Name): ThrowawayServer | undefined {
    const started = process.env.TEST_SERVERS;
    if (started === undefined) {
        return undefined;
    }

    const { control, names } = JSON.parse(started) as { control: string; names: Name[] };
    if (!names.includes(name)) {
        return undefined;
    }

    const act = async (action: keyof ThrowawayServer): Promise<void> => {
        const response = await fetch(new URL(`${name}/${action}`, control), { method: 'POST' });
        if (!response.ok) {
            throw new Error(`${name} did not ${action}: ${await response.text()}`);
        }
    };

    return {
        kill: () => act('kill'),
        start: () => act('start'),
        pause: () => act('pause'),
        resume: () => act('resume')
    };
}

/** The address of a server that every test run has. Everything on it is the tests' to change. */
function address(variable: string): string {
    const url = process.env[variable];
    if (!url) {
        throw new Error(`${variable} is not set: run the tests with \`npm test\`, which starts what they need.`);
    }

    return url;
}

export const databaseUrl = (): string => address('TEST_DATABASE_URL');

export const redisUrl = (): string => address('TEST_REDIS_URL');
