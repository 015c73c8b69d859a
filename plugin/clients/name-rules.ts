import bidiFactory from 'bidi-js';
import unhomoglyph from 'unhomoglyph';
import { invalidField } from '../errors/management-error';
import type { Settings } from '../options/options';

const MAX_LENGTH = 200;

/** Control characters and line breaks. Pages isolate the characters that change the direction of text. */
const CONTROLS = /[\p{Cc}\u2028\u2029]/u;

/**
 * Checks that a name can be seen and shown.
 *
 * @throws ManagementError 400
 */
export function checkVisibleName(name: string): void {
    const length = [...name].length;
    if (visiblePartOf(name) === '' || length > MAX_LENGTH) {
        throw invalidField('name', 'length', `A name must have 1 to ${MAX_LENGTH} characters.`, 'Choose another name.');
    }
    if (CONTROLS.test(name) || !name.isWellFormed()) {
        throw invalidField('name', 'characters', 'A name must not contain control characters.', 'Leave them out.');
    }
}

/**
 * Checks the name of a client that is not built in.
 *
 * @throws ManagementError 400
 */
export function checkName(name: string, { firstPartyClients }: Pick<Settings, 'firstPartyClients'>): void {
    checkVisibleName(name);
    const appearance = appearancesOf(name);
    if (firstPartyClients.some((builtIn) => appearancesOf(builtIn.name).some((each) => appearance.includes(each)))) {
        throw invalidField(
            'name',
            'reserved',
            'The name looks like that of a built-in application.',
            'Choose another.'
        );
    }
}

/** A name without what is not seen: ignorable characters, and the symbols that are blank. */
function visiblePartOf(name: string): string {
    return name
        .normalize('NFKC')
        .replaceAll(/[\p{Default_Ignorable_Code_Point}\u2800\u{1D159}]/gu, '')
        .replaceAll(/\s+/g, ' ')
        .trim();
}

/**
 * A name as it can be read: its skeletons (UTS 39 §4) without marks above and below letters and without a difference
 * between upper and lower case, in a line of either direction. Letters look alike in one case and not in the other, so each case has its own.
 */
function appearancesOf(name: string): string[] {
    return [name, asShown(name, 'ltr'), asShown(name, 'rtl')]
        .map(visiblePartOf)
        .flatMap((each) => [each, each.toUpperCase(), each.toLowerCase()])
        .map((each) => foldCase(skeletonOf(each)));
}

const bidi = bidiFactory();

/** The characters of a text from left to right, as the Unicode Bidirectional Algorithm (UAX 9) puts them. */
function asShown(text: string, direction: 'ltr' | 'rtl'): string {
    return bidi.getReorderedString(text, bidi.getEmbeddingLevels(text, direction));
}

/** UTS 39 §4, with marks left out. */
function skeletonOf(text: string): string {
    const letters = (each: string): string => each.normalize('NFD').replaceAll(/\p{M}+/gu, '');
    return letters(unhomoglyph(letters(text)));
}

/** Upper case first: it merges letters that lower case keeps apart, such as the two small sigmas. */
function foldCase(text: string): string {
    return text.toUpperCase().toLowerCase();
}
