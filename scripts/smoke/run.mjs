// Installs the packed package into empty projects, as forums would, and uses it there: with the oldest and the newest
// versions of its peers, on each release line of Node, on MariaDB, Redis and the embedded database.
//
// node scripts/smoke/run.mjs                    all of it
// node scripts/smoke/run.mjs oldest|newest      one of the two projects

import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createConnection } from 'mysql2/promise';
import { startTestServers } from '../servers/for-tests.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MINUTE = 60_000;
const run = promisify(execFile);

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

/** The first version of a peer's range, such as `^17.13.0 || ^18.0.0`. */
const oldestOf = (range) => range.replace(/^\^/, '').replace(/ .*$/s, '');
const newestOf = (range) => range.replace(/^.*\|\| /s, '');

const peers = Object.entries(manifest.peerDependencies);

/** What is installed beside the package, and the release lines of Node that run it. */
const PROJECTS = {
    oldest: { packages: peers.map(([name, range]) => `${name}@${oldestOf(range)}`), nodes: ['20', '24'] },
    newest: { packages: peers.map(([name, range]) => `${name}@${newestOf(range)}`), nodes: ['20', '22', '24'] }
};

/** A version that the project itself uses, for what is no peer. */
function own(name) {
    return `${name}@${JSON.parse(readFileSync(join(ROOT, 'node_modules', name, 'package.json'), 'utf8')).version}`;
}

async function install(folder, packages, options = []) {
    await run('npm', ['install', '--no-audit', '--no-fund', '--no-package-lock', ...options, ...packages], {
        cwd: folder,
        timeout: 10 * MINUTE
    });
}

/** Where the binary of a release line of Node is. The one that runs this needs no download. */
async function locateNode(folder, line) {
    if (process.versions.node.startsWith(`${line}.`)) {
        return process.execPath;
    }
    const name = `node-${process.platform}-${process.arch}`;
    const alias = `node${line}`;
    await install(folder, [`${alias}@npm:${name}@${line}`]);
    return join(folder, 'node_modules', alias, 'bin', 'node');
}

async function withDatabase(use) {
    const url = new URL(process.env.TEST_DATABASE_URL);
    const name = `forum_oauth_smoke_${randomBytes(6).toString('hex')}`;
    const connection = await createConnection(url.href);
    await connection.query(`CREATE DATABASE ${name} CHARACTER SET utf8mb4`);
    url.pathname = name;
    try {
        await use(url.href);
    } finally {
        await connection.query(`DROP DATABASE ${name}`);
        await connection.end();
    }
}

async function smoke(name, folder, tarball, nodes) {
    const { packages } = PROJECTS[name];
    cpSync(fileURLToPath(new URL('host', import.meta.url)), folder, { recursive: true });
    writeFileSync(
        join(folder, 'package.json'),
        JSON.stringify({ private: true, allowScripts: { 'msgpackr-extract': false } })
    );
    const compiler = [own('typescript'), own('@types/node'), own('sql.js')];
    await install(folder, [tarball, '@hapi/boom', ...packages, ...compiler]);
    console.log(`The package installs with ${packages.join(', ')}.`);

    const inFolder = { cwd: folder, timeout: 2 * MINUTE };
    const tsc = join(folder, 'node_modules/typescript/bin/tsc');
    for (const config of ['tsconfig.json', 'tsconfig.commonjs.json']) {
        await run(process.execPath, [tsc, '-p', config], inFolder);
    }
    console.log('A TypeScript host compiles.');

    for (const [line, node] of nodes) {
        await withDatabase((url) =>
            // A plugin that keeps the process of a stopped server alive is as broken as one that does not start.
            run(node, ['host.cjs'], {
                ...inFolder,
                env: {
                    ...process.env,
                    DATABASE_URL: url,
                    REDIS_URL: process.env.TEST_REDIS_URL,
                    PREFIX: `smoke-${randomBytes(6).toString('hex')}`
                }
            })
        );
        await run(node, ['host.mjs'], inFolder);
        console.log(`Hosts in CommonJS and ES modules work on Node ${line}.`);
    }
}

async function main(names) {
    const folder = mkdtempSync(join(tmpdir(), 'forum-oauth-smoke-'));
    const servers = startTestServers(1);
    try {
        const { stdout } = await run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: ROOT });
        const tarball = join(folder, stdout.trim().split('\n').at(-1));
        const [environment] = await servers.ready;
        Object.assign(process.env, environment);
        const binaries = new Map();
        for (const line of new Set(names.flatMap((name) => PROJECTS[name].nodes))) {
            const nodes = mkdtempSync(join(folder, 'node-'));
            binaries.set(line, await locateNode(nodes, line));
        }
        for (const name of names) {
            const project = mkdtempSync(join(folder, `${name}-`));
            const nodes = PROJECTS[name].nodes.map((line) => [line, binaries.get(line)]);
            await smoke(name, project, tarball, nodes);
        }
    } finally {
        await servers.stop();
        rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    }
}

try {
    const [, , ...names] = process.argv;
    await main(names.length > 0 ? names : Object.keys(PROJECTS));
} catch (error) {
    console.error(error.message);
    console.error([error.stdout, error.stderr].filter(Boolean).join('\n'));
    process.exitCode = 1;
}
