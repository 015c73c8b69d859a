/** How many messages are remembered. */
const MAX_SAID = 100;

/**
 * Passes each message on once, until `forget` is called: what is wrong for an hour need not be said each second.
 *
 * @param say gets an error whose message it has not got yet
 */
export function sayOnce(say: (error: Error) => void): { say: (error: Error) => void; forget: () => void } {
    const said = new Set<string>();
    return {
        say: (error) => {
            if (said.has(error.message)) {
                return;
            }
            if (said.size >= MAX_SAID) {
                said.clear();
            }
            said.add(error.message);
            say(error);
        },
        forget: () => said.clear()
    };
}
