import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { ShownFile } from './documents';
import { type Program, run } from './example';

const ROOT = join(__dirname, '../..');

const execute = promisify(execFile);

type Environment = Record<string, string>;

/** A project of someone who follows a document: a folder with its files, in which the repository's packages resolve. */
export class HostProject {
    private constructor(
        private readonly parent: string,
        readonly folder: string
    ) {}

    static async create(files: ShownFile[]): Promise<HostProject> {
        const parent = await mkdtemp(join(tmpdir(), 'forum-project-'));
        const project = new HostProject(parent, join(parent, 'project'));
        await symlink(join(ROOT, 'node_modules'), join(parent, 'node_modules'));
        await project.write([{ path: 'package.json', content: '{ "type": "module" }' }, ...files]);
        return project;
    }

    /** Builds the package into the project's `node_modules`. */
    async installPackage(): Promise<void> {
        const target = join(this.folder, 'node_modules/hapi-forum-oauth');
        await mkdir(target, { recursive: true });
        await copyFile(join(ROOT, 'package.json'), join(target, 'package.json'));
        const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
        // The types are checked elsewhere.
        const options = ['--noCheck', '--declaration', 'false', '--outDir', join(target, 'dist')];
        await this.#finish(run(tsc, ['-p', 'tsconfig.build.json', ...options], { cwd: ROOT }));
        const copy = join(ROOT, 'scripts/copy-pages.mjs');
        await this.#finish(run(copy, [join(target, 'dist/plugin/pages')], { cwd: ROOT }));
    }

    /** Writes files; one that is there already is replaced. */
    async write(files: ShownFile[]): Promise<void> {
        for (const { path, content } of files) {
            const file = join(this.folder, path);
            await mkdir(dirname(file), { recursive: true });
            await writeFile(file, content);
        }
    }

    /** Starts a script of the project: the arguments of `node`. */
    start(args: string[], env: Environment = {}): Program {
        const [script, ...rest] = args;
        return run(script!, rest, { cwd: this.folder, env });
    }

    /** Runs a script of the project to its end. */
    async run(args: string[], env: Environment = {}): Promise<string> {
        return this.#finish(this.start(args, env));
    }

    /** Runs a command in a shell, as a person pastes it there. */
    async shell(command: string, env: Environment = {}): Promise<string> {
        const { stdout } = await execute('bash', ['-ec', command], {
            cwd: this.folder,
            env: { PATH: process.env.PATH, ...env }
        });
        return stdout;
    }

    async done(): Promise<void> {
        await rm(this.parent, { recursive: true, force: true });
    }

    async #finish(program: Program): Promise<string> {
        const { code, output } = await program.finished;
        if (code !== 0) {
            throw new Error(output);
        }
        return output;
    }
}
