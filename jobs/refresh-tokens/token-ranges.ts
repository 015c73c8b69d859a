import type { PrunableFamily, TokenRange } from '../../plugin/store/cleanup/token-families';

/** All tokens of these families; a grant without tokens has none. */
export function rangesOf(families: readonly PrunableFamily[]): TokenRange[] {
    return families.flatMap(({ grantId, tokens }) =>
        tokens ? [{ grantId, from: tokens.oldest, head: tokens.head }] : []
    );
}

/** The first families that together have at least `size` tokens. A longer list of families costs more than it finds. */
export function takeRanges(ranges: readonly TokenRange[], size: number): TokenRange[] {
    const taken: TokenRange[] = [];
    let tokens = 0;
    for (const range of ranges) {
        if (tokens > size) {
            break;
        }
        tokens += range.head - range.from + 1;
        taken.push(range);
    }
    return taken;
}
