import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import * as ts from 'typescript';

const ROOT = resolve(__dirname, '../..');
const FOLDERS = ['entities', 'jobs', 'migrations', 'plugin'];

/** `forum-oauth-worker` as it is in the package: compiled, and run in its own process. */
export class WorkerCommand {
    private constructor(private readonly folder: string) {}

    static async compile(): Promise<WorkerCommand> {
        const folder = await mkdtemp(join(tmpdir(), 'forum-oauth-command-'));
        const compilerOptions: ts.CompilerOptions = {
            target: ts.ScriptTarget.ES2022,
            module: ts.ModuleKind.CommonJS,
            experimentalDecorators: true,
            useDefineForClassFields: false
        };
        for (const name of FOLDERS) {
            const files = await readdir(join(ROOT, name), { recursive: true });
            for (const file of files.filter((path) => path.endsWith('.ts'))) {
                const target = join(folder, name, file.replace(/ts$/, 'js'));
                const source = await readFile(join(ROOT, name, file), 'utf8');
                await mkdir(dirname(target), { recursive: true });
                await writeFile(target, ts.transpileModule(source, { compilerOptions }).outputText);
            }
        }
        return new WorkerCommand(folder);
    }

    /** @param env replaces the environment */
    start(args: string[], env: Record<string, string> = {}): Running {
        const child = spawn(process.execPath, [join(this.folder, 'jobs/command.js'), ...args], {
            env: { PATH: process.env.PATH, NODE_PATH: join(ROOT, 'node_modules'), ...env },
            stdio: ['ignore', 'pipe', 'pipe']
        });
        return new Running(child);
    }

    async run(args: string[], env?: Record<string, string>): Promise<Outcome> {
        return this.start(args, env).ended;
    }

    remove(): Promise<void> {
        return rm(this.folder, { recursive: true, force: true });
    }
}

export interface Outcome {
    /** Null if a signal ended it. */
    status: number | null;
    signal: NodeJS.Signals | null;
    output: string;
    errors: string;
    /** The lines of its output that are JSON. */
    // Each test checks what it expects of them.
    // eslint-disable-next-line @typescript-eslint/no-explicit-any
    lines: any[];
}

/** A running command. */
export class Running {
    output = '';
    errors = '';
    readonly ended: Promise<Outcome>;

    constructor(readonly child: ChildProcess) {
        child.stdout!.setEncoding('utf8').on('data', (text: string) => (this.output += text));
        child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.errors += text));
        this.ended = once(child, 'close').then(([status, signal]) => ({
            status: status as number | null,
            signal: signal as NodeJS.Signals | null,
            output: this.output,
            errors: this.errors,
            lines: this.output
                .split('\n')
                .filter((line) => line.startsWith('{'))
                .map((line) => JSON.parse(line) as unknown)
        }));
    }
}
