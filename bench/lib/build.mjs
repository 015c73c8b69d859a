// Compiles a checkout of this project for a measurement.
//
// node lib/build.mjs compiles this checkout into bench/dist.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const DIST = fileURLToPath(new URL('../dist', import.meta.url));

/**
 * Compiles a checkout. The compiled code loads its dependencies from the checkout's node_modules: without the link it
 * would find this folder's, which the peers share.
 *
 * @param checkout folder with the sources and an installed node_modules
 * @param folder where the compiled code goes; replaced
 * @returns path of the compiled plugin
 */
export function compile(checkout, folder) {
    const modules = join(checkout, 'node_modules');
    if (!existsSync(join(modules, 'typescript'))) {
        throw new Error(`${checkout} has no installed dependencies: run npm ci there`);
    }
    // Replaced in one step, so that a measurement that is running finds its files.
    const fresh = `${folder}.new`;
    rmSync(fresh, { recursive: true, force: true });
    const tsc = join(modules, 'typescript/bin/tsc');
    execFileSync(process.execPath, [tsc, '-p', join(checkout, 'tsconfig.build.json'), '--outDir', fresh], {
        stdio: 'inherit'
    });
    symlinkSync(modules, join(fresh, 'node_modules'));
    rmSync(folder, { recursive: true, force: true });
    renameSync(fresh, folder);
    return join(folder, 'plugin/index.js');
}

/**
 * Extracts a git ref of this repository into a folder, installs its dependencies and compiles it.
 *
 * @param ref commit, tag or branch
 * @param folder empty
 * @returns path of the compiled plugin
 */
export function compileRef(ref, folder) {
    const checkout = join(folder, 'checkout');
    const archive = join(folder, 'checkout.tar');
    mkdirSync(checkout);
    execFileSync('git', ['-C', PROJECT, 'archive', `--output=${archive}`, ref], { stdio: 'inherit' });
    execFileSync('tar', ['-xf', archive, '-C', checkout], { stdio: 'inherit' });
    rmSync(archive);
    execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: checkout, stdio: ['ignore', 'ignore', 'inherit'] });
    return compile(checkout, join(folder, 'dist'));
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
    compile(PROJECT, DIST);
}
