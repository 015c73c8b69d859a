/** After this time a process that was asked to stop exits, whatever it waits for: milliseconds. */
const STOP_TIMEOUT = 20_000;

/** A signal that is aborted when the process is asked to stop. */
export function stopSignal(): AbortSignal {
    const stopping = new AbortController();
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
        // A signal may come twice: npx forwards one that the service manager has sent to both processes.
        process.on(signal, () => {
            stopping.abort();
            // A database that does not answer would keep its connections, and so this process, for ever.
            setTimeout(() => process.exit(0), STOP_TIMEOUT).unref();
        });
    }
    return stopping.signal;
}
