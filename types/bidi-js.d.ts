declare module 'bidi-js' {
    /** What the algorithm found out about a text. */
    type EmbeddingLevels = object;

    interface Bidi {
        getEmbeddingLevels(text: string, baseDirection?: 'ltr' | 'rtl'): EmbeddingLevels;
        getReorderedString(text: string, levels: EmbeddingLevels): string;
    }

    /** The Unicode Bidirectional Algorithm (UAX 9). */
    export default function bidiFactory(): Bidi;
}
