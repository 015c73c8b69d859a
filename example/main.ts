import { PASSWORD } from './accounts';
import { startForum, type Forum } from './forum';
import { readSettings, type Settings } from './settings';

function describe({ issuer, port }: Settings, { accounts, database }: Forum): string {
    const elsewhere = issuer === 'http://localhost:3000' ? '' : `ISSUER=${issuer} `;
    return `
A small forum is at ${issuer}, listening on port ${port}; its data is in ${database}.

Accounts, each with the password "${PASSWORD}":
${accounts.map(({ handle, permissions }) => `    ${handle.padEnd(8)}${permissions.join(' ')}`).join('\n')}

In another terminal, sign in as frigg from the command line, then post a thread:

    ${elsewhere}npm run cli -- login
    npm run cli -- post "Greetings" "From the command line"

AI agents connect to ${new URL(issuer).origin}/mcp, such as

    claude mcp add --transport http forum ${new URL(issuer).origin}/mcp
`;
}

async function main(): Promise<void> {
    const settings = readSettings(process.env);
    const started = startForum(settings);
    let stopping = false;
    const stop = async (): Promise<void> => {
        // A terminal and npm both pass Ctrl+C on; once is enough.
        if (!stopping) {
            stopping = true;
            await (await started).stop();
        }
    };
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
        process.on(signal, () => void stop().catch(fail));
    }
    console.log(describe(settings, await started));
}

function fail(error: Error & { code?: string }): void {
    console.error(`The forum failed: ${error.message || error.code}`);
    process.exitCode = 1;
}

main().catch(fail);
