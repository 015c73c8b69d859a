// A TypeScript host in ES modules.

import * as Hapi from '@hapi/hapi';
import Default, { generateSigningKey, type Options } from 'hapi-forum-oauth';
import * as OAuth from 'hapi-forum-oauth';
import { pages } from 'hapi-forum-oauth/pages';
import { startWorker, type WorkerOptions } from 'hapi-forum-oauth/worker';

export async function forum(options: Options, jobs: WorkerOptions): Promise<Hapi.Server> {
    const server = Hapi.server();
    const signingKeys = [await generateSigningKey('ES256')];
    await server.register({ plugin: OAuth, options: { ...options, signingKeys } });
    await server.register({ plugin: Default, options });
    await server.register({ plugin: pages });
    const worker = startWorker(jobs);
    server.ext('onPostStop', () => worker.close());
    return server;
}
