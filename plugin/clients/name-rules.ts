import { invalidField } from '../errors/management-error';
import type { Settings } from '../options/options';

const MAX_LENGTH = 200;

/** Control characters and line breaks. Pages isolate the characters that change the direction of text. */
const CONTROLS = /[\p{Cc}\u2028\u2029]/u;

/**
 * Checks the name of a client that is not built in.
 *
 * @throws ManagementError 400
 */
export function checkName(name: string, { firstPartyClients }: Pick<Settings, 'firstPartyClients'>): void {
    const length = [...name].length;
    if (appearance(name) === '' || length > MAX_LENGTH) {
        throw invalidField('name', 'length', `A name must have 1 to ${MAX_LENGTH} characters.`, 'Choose another name.');
    }
    if (CONTROLS.test(name) || !name.isWellFormed()) {
        throw invalidField('name', 'characters', 'A name must not contain control characters.', 'Leave them out.');
    }
    if (firstPartyClients.some((builtIn) => appearance(builtIn.name) === appearance(name))) {
        throw invalidField('name', 'reserved', 'The name belongs to a built-in application.', 'Choose another name.');
    }
}

/** A name as it looks to a reader: one case and form for each letter, no invisible characters, one kind of space. */
function appearance(name: string): string {
    const visible = name.normalize('NFKC').replaceAll(/\p{Default_Ignorable_Code_Point}/gu, '');
    // Upper case first: it merges letters that lower case keeps apart, such as the two small sigmas.
    return visible.toUpperCase().toLowerCase().replaceAll(/\s+/g, ' ').trim();
}
