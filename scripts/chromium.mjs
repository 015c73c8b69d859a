import { locate } from './servers/programs.mjs';

const chromium = {
    program: 'chromium',
    packages: { debian: 'chromium', other: 'Chromium' },
    instead: 'Or name the program in TEST_CHROMIUM.'
};

/** Path of the browser for the tests. Installs it where it is missing and may be installed, else throws. */
export function locateChromium() {
    return process.env.TEST_CHROMIUM || locate([chromium]).chromium;
}
