import Handlebars from 'handlebars';

/** Joiners inside an emoji, and selectors that make a character an emoji: harmless, and names with emoji need them. */
const HARMLESS =
    '(?<=\\p{Extended_Pictographic}[\\u{1F3FB}-\\u{1F3FF}]?\\uFE0F?)\\u200D(?=\\p{Extended_Pictographic})|(?<=[\\p{Extended_Pictographic}#*0-9])\\uFE0F';

/** Invisible characters, characters that change how their neighbours look, and marks piled on one letter. */
const ODD = new RegExp(
    `(${HARMLESS})|(?<=\\p{M}{3})\\p{M}+|[\\p{Cc}\\p{Cf}\\p{Cn}\\p{Co}\\p{Cs}\\p{Zl}\\p{Zp}\\p{Default_Ignorable_Code_Point}]`,
    'gu'
);

/**
 * A text that a member or an application chose, as HTML that shows what it really contains: isolated, so that it cannot
 * change the direction of the text around it, and with invisible characters spelled out.
 */
export function showForeign(text: string): Handlebars.SafeString {
    let html = '';
    let at = 0;
    for (const { 0: odd, 1: harmless, index } of text.matchAll(ODD)) {
        if (harmless === undefined) {
            const code = odd.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0');
            const more = odd.length > 2 ? '…' : '';
            html += `${Handlebars.escapeExpression(text.slice(at, index))}<span class="odd">U+${code}${more}</span>`;
            at = index + odd.length;
        }
    }
    return new Handlebars.SafeString(`<bdi>${html}${Handlebars.escapeExpression(text.slice(at))}</bdi>`);
}

/** Fills in the `{placeholders}` of a text. Everything is escaped except values that are `SafeString`s. */
export function fill(text: string, values: Record<string, unknown>): Handlebars.SafeString {
    return new Handlebars.SafeString(
        text
            .split(/\{(\w+)\}/)
            .map((part, place) => Handlebars.escapeExpression((place % 2 ? (values[part] ?? '') : part) as string))
            .join('')
    );
}

/** A time in UTC. The script converts it to the reader's time zone. */
export function showTime(language: string, iso: string): Handlebars.SafeString {
    const text = new Intl.DateTimeFormat(language, {
        dateStyle: 'medium',
        timeStyle: 'short',
        timeZone: 'UTC'
    }).format(new Date(iso));
    const escaped = Handlebars.escapeExpression(`${text} UTC`);
    return new Handlebars.SafeString(`<time datetime="${Handlebars.escapeExpression(iso)}">${escaped}</time>`);
}
