import Handlebars from 'handlebars';

/** A joiner inside an emoji, and what makes a character one: harmless, and names with emoji need them. */
const HARMLESS =
    '(?<=\\p{Extended_Pictographic}[\\u{1F3FB}-\\u{1F3FF}]?\\uFE0F?)\\u200D(?=\\p{Extended_Pictographic})|(?<=[\\p{Extended_Pictographic}#*0-9])\\uFE0F';

/** Characters that are not seen, or that change how their neighbours are seen; and marks piled on one letter. */
const ODD = new RegExp(
    `(${HARMLESS})|(?<=\\p{M}{3})\\p{M}+|[\\p{Cc}\\p{Cf}\\p{Cn}\\p{Co}\\p{Cs}\\p{Zl}\\p{Zp}\\p{Default_Ignorable_Code_Point}]`,
    'gu'
);

/**
 * Somebody else's text as HTML that shows what is in it: isolated, so that it cannot turn the text around it, and with
 * characters that nobody sees spelled out.
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

/** A text of the forum's with `{name}` filled in; everything is escaped but what is HTML already. */
export function fill(text: string, values: Record<string, unknown>): Handlebars.SafeString {
    return new Handlebars.SafeString(
        text
            .split(/\{(\w+)\}/)
            .map((part, place) => Handlebars.escapeExpression((place % 2 ? (values[part] ?? '') : part) as string))
            .join('')
    );
}

/** A time as people read it; the script turns it into the reader's time zone. */
export function showTime(language: string, iso: string): Handlebars.SafeString {
    const text = new Intl.DateTimeFormat(language, {
        dateStyle: 'medium',
        timeStyle: 'short',
        timeZone: 'UTC'
    }).format(new Date(iso));
    const escaped = Handlebars.escapeExpression(`${text} UTC`);
    return new Handlebars.SafeString(`<time datetime="${Handlebars.escapeExpression(iso)}">${escaped}</time>`);
}
