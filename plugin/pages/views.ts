import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Server } from '@hapi/hapi';
import * as Vision from '@hapi/vision';
import Handlebars from 'handlebars';
import type { PagesSettings } from './options';
import { fill, showForeign, showTime } from './text';

const TEMPLATES = join(__dirname, 'templates');

interface Hash {
    hash: Record<string, unknown>;
}

/** Gives the pages' routes their templates. The engine is an instance of its own: servers and hosts do not mix. */
export async function registerViews(server: Server, { folder, language, strings }: PagesSettings): Promise<void> {
    await server.register(Vision);
    const engine = Handlebars.create();
    engine.registerHelper({
        /** A text, with the values for its `{placeholders}`. */
        t: (key: string, { hash }: Hash) => fill(strings[key] ?? key, hash),
        /** Whatever somebody else has written. */
        show: (text: string) => showForeign(text),
        time: (iso: string) => showTime(language, iso)
    });
    const folders = folder === undefined ? [TEMPLATES] : [folder, TEMPLATES];
    server.views({
        engines: { html: engine },
        path: folders,
        // The last that is loaded under a name wins.
        partialsPath: folders
            .map((each) => join(each, 'partials'))
            .filter((each) => existsSync(each))
            .reverse(),
        layout: true
    });
}
