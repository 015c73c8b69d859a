/**
 * Waits for something, but no longer than so many milliseconds.
 *
 * @returns false when the time was up
 * @throws what the promise is rejected with meanwhile
 */
export async function within(milliseconds: number, promise: Promise<unknown>): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<boolean>((resolve) => {
        timer = setTimeout(resolve, milliseconds, false);
    });
    return Promise.race([promise.then(() => true), timeout]).finally(() => clearTimeout(timer));
}
