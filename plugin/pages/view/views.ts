import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Server } from '@hapi/hapi';
import * as Vision from '@hapi/vision';
import Handlebars from 'handlebars';
import type { PagesSettings } from '../options';
import { fill, showForeign, showTime } from './text';

const TEMPLATES = join(__dirname, '..', 'templates');

interface Hash {
    hash: Record<string, unknown>;
}

/** Sets up the templates for the routes of this registration. Each has a Handlebars instance of its own. */
export async function registerViews(server: Server, { folder, language, strings }: PagesSettings): Promise<void> {
    await server.register(Vision);
    const engine = Handlebars.create();
    engine.registerHelper({
        /** A text of `strings`, with the values for its `{placeholders}`. */
        t: (key: string, { hash }: Hash) => fill(strings[key] ?? key, hash),
        /** A text that a member or an application chose. */
        show: (text: string) => showForeign(text),
        time: (iso: string) => showTime(language, iso)
    });
    const folders = folder === undefined ? [TEMPLATES] : [folder, TEMPLATES];
    server.views({
        engines: { html: engine },
        path: folders,
        // The indentation of a partial would become part of what is in a textarea.
        compileOptions: { preventIndent: true },
        // The last partial that is registered under a name wins.
        partialsPath: folders
            .map((each) => join(each, 'partials'))
            .filter((each) => existsSync(each))
            .reverse(),
        layout: true
    });
}
