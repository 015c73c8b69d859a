import type { Worker } from 'bullmq';

/** How long a worker rests after an error, milliseconds: twice as long after each, and from the start after a success. */
const SHORTEST = 1000;
const LONGEST = 60_000;

/**
 * Lets a worker rest after an error that is none of its connection: a Redis that became read-only or is full answers at
 * once, and BullMQ would ask it thousands of times a second.
 *
 * @param goOn called whenever the worker has rested
 * @returns a function that stops this
 */
export function backOff(worker: Worker, goOn: () => void): () => void {
    let rest = SHORTEST;
    let timer: NodeJS.Timeout | undefined;
    const begin = (): void => {
        if (timer || worker.closing) {
            return;
        }
        void worker.pause(true).catch(() => undefined);
        timer = setTimeout(() => {
            timer = undefined;
            void worker.resume();
            goOn();
        }, rest);
        rest = Math.min(rest * 2, LONGEST);
    };
    const succeed = (): void => {
        rest = SHORTEST;
    };
    worker.on('error', begin);
    worker.on('completed', succeed);
    return () => {
        clearTimeout(timer);
        worker.off('error', begin);
        worker.off('completed', succeed);
    };
}
