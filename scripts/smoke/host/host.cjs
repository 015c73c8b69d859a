'use strict';

// A CommonJS host on MariaDB and Redis, with the worker.

const OAuth = require('hapi-forum-oauth');
const { pages } = require('hapi-forum-oauth/pages');
const Redis = require('ioredis');
const { DataSource } = require('typeorm');
const { mainFlow, visitPages } = require('./flow.cjs');
const { createForum } = require('./forum.cjs');
const { runCommand, runWorker } = require('./maintenance.cjs');

async function main() {
    const { DATABASE_URL: url, REDIS_URL: redisUrl, PREFIX: prefix } = process.env;
    const { entities, migrations } = OAuth;
    const dataSource = new DataSource({ type: 'mysql', url, entities, migrations });
    await dataSource.initialize();
    await dataSource.runMigrations();
    const redis = new Redis(redisUrl);

    const server = await createForum(OAuth, { dataSource, redis });
    await server.start();
    await mainFlow(server);
    await visitPages(server, pages);
    await runWorker({ dataSource, connection: redisUrl, prefix });
    await runWorker({ dataSource, connection: redis, prefix });
    await runCommand(url);

    await server.stop();
    redis.disconnect();
    await dataSource.destroy();
}

main();
