// npm run check:package              packs the package and checks it
// npm run check:package -- <tarball> checks one that is packed already
//
// Checks the entry points and their types as every kind of host resolves them, and that no document in the package links to
// a file or shows a picture that is not in the package.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lexer, walkTokens } from 'marked';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const EXTERNAL = /^(?:[a-z][a-z0-9+.-]*:|\/\/|#)/i;

function run(program, ...args) {
    execFileSync(program, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
}

/** Where the links and pictures of a Markdown text lead. */
function targetsOf(markdown) {
    const targets = [];
    walkTokens(lexer(markdown), (token) => {
        if (token.type === 'link' || token.type === 'image') {
            targets.push(token.href);
        } else if (token.type === 'html') {
            targets.push(...[...token.raw.matchAll(/\s(?:href|src)\s*=\s*["']([^"']+)/g)].map(([, target]) => target));
        }
    });
    return targets;
}

/** The links in an unpacked package's documents that lead out of it or to nothing. */
function brokenLinks(folder) {
    const documents = readdirSync(folder, { recursive: true }).filter((file) => file.endsWith('.md'));
    return documents.flatMap((file) =>
        targetsOf(readFileSync(join(folder, file), 'utf8'))
            .filter((target) => !EXTERNAL.test(target))
            .filter((target) => {
                const path = join(folder, dirname(file), decodeURI(target.replace(/[?#].*/, '')));
                return !path.startsWith(folder) || !existsSync(path);
            })
            .map((target) => `${file} links to ${target}, which is not in the package.`)
    );
}

const folder = mkdtempSync(join(tmpdir(), 'forum-oauth-package-'));
try {
    let tarball = process.argv[2] && resolve(process.argv[2]);
    if (!tarball) {
        run('npm', 'pack', '--silent', '--pack-destination', folder);
        tarball = join(folder, readdirSync(folder)[0]);
    }

    run('npx', 'attw', '--format', 'ascii', '--no-emoji', tarball);
    run('npx', 'publint', 'run', '--strict', tarball);

    run('tar', '-xzf', tarball, '-C', folder);
    const broken = brokenLinks(join(folder, 'package'));
    broken.forEach((line) => console.error(line));
    process.exitCode = broken.length > 0 ? 1 : 0;
} catch (error) {
    // What a check found, it has printed itself.
    console.error(error.message);
    process.exitCode = 1;
} finally {
    rmSync(folder, { recursive: true, force: true });
}
