import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const SERVERS_INSTEAD =
    'Or point TEST_DATABASE_URL (mysql://user:password@host:port) and TEST_REDIS_URL (redis://host:port) at servers whose ' +
    'contents the tests may create and delete.';

const POLICY = '/usr/sbin/policy-rc.d';

function find(program) {
    // A user's PATH often lacks the folders that servers are installed to.
    const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
    return folders
        .filter((folder) => folder !== '')
        .map((folder) => join(folder, program))
        .find((path) => {
            try {
                accessSync(path, constants.X_OK);
                return true;
            } catch {
                return false;
            }
        });
}

const programsOf = ({ program, installer }) => (installer ? [program, installer] : [program]);

const isComplete = (definition) => programsOf(definition).every(find);

function mayInstall() {
    return (
        process.getuid?.() === 0 &&
        find('apt-get') !== undefined &&
        existsSync('/etc/os-release') &&
        /^ID(_LIKE)?=.*(debian|ubuntu)/m.test(readFileSync('/etc/os-release', 'utf8'))
    );
}

function install(packages) {
    console.error(`Installing ${packages.join(' and ')} ...`);

    // Debian starts what it installs, on the usual ports, unless this says not to.
    const mayWrite = !existsSync(POLICY);
    if (mayWrite) {
        writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
    }

    try {
        for (const args of [['update'], ['install', '-y', '--no-install-recommends', ...packages]]) {
            const { status, stdout, stderr } = spawnSync('apt-get', ['-q', ...args], {
                env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
                stdio: ['ignore', 'pipe', 'pipe'],
                encoding: 'utf8'
            });
            if (status !== 0) {
                console.error(stdout, stderr);
                return;
            }
        }
    } finally {
        if (mayWrite) {
            rmSync(POLICY, { force: true });
        }
    }
}

/** Paths of the programs that these servers need, by name. Installs what is missing where it may, else throws. */
export function locate(definitions) {
    const missing = definitions.filter((definition) => !isComplete(definition));
    if (missing.length > 0 && mayInstall()) {
        install(missing.map(({ packages }) => packages.debian));
    }

    const absent = missing.filter((definition) => !isComplete(definition));
    if (absent.length > 0) {
        const programs = absent.flatMap(programsOf).filter((program) => !find(program));
        throw new Error(
            `The tests need ${absent.map(({ packages }) => packages.other).join(' and ')}: no ${programs.join(', ')} in PATH.\n` +
                `On Debian or Ubuntu: apt-get install ${absent.map(({ packages }) => packages.debian).join(' ')}\n` +
                (absent.find(({ instead }) => instead)?.instead ?? SERVERS_INSTEAD)
        );
    }

    return Object.fromEntries(definitions.flatMap(programsOf).map((program) => [program, find(program)]));
}
