import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A fenced block of a Markdown document. */
export interface Block {
    /** What stands after the opening fence: `js`, `sh`, `json`. */
    language: string;
    text: string;
}

/** A file that a document shows in full; its first line names it in a comment. */
export interface ShownFile {
    path: string;
    content: string;
}

/** A document of the package, by its path in the repository. */
export function readDocument(path: string): Promise<string> {
    return readFile(join(__dirname, '../..', path), 'utf8');
}

/** The fenced blocks of a document, in its order. */
export function blocksOf(document: string): Block[] {
    return [...document.matchAll(/^```(\w+)\n([^]*?)^```$/gm)].map(([, language, text]) => ({
        language: language!,
        text: text!
    }));
}

/** The files of a document, in its order. One that is replaced later is there twice. */
export function filesOf(document: string): ShownFile[] {
    return blocksOf(document).flatMap(({ language, text }) => {
        const [, path] = /^(?:\/\/|<!--) (\S+\.\w+)(?: -->)?\n/.exec(text) ?? [];
        return path !== undefined && ['js', 'html'].includes(language)
            ? [{ path, content: text.slice(text.indexOf('\n') + 1) }]
            : [];
    });
}

/** A command that a document shows, and what it answers according to the document. */
export interface ShownCommand {
    command: string;
    answer: unknown;
}

/** The curl commands of a document, each with the JSON block that follows it, if one does. */
export function curlOf(document: string): ShownCommand[] {
    const blocks = blocksOf(document);
    return blocks.flatMap(({ language, text }, place) => {
        if (language !== 'sh' || !text.includes('curl ')) {
            return [];
        }
        const next = blocks[place + 1];
        return [{ command: text, answer: next?.language === 'json' ? (JSON.parse(next.text) as unknown) : undefined }];
    });
}
