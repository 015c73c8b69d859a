// An ES module host on the embedded database, without Redis.

import Default from 'hapi-forum-oauth';
import * as OAuth from 'hapi-forum-oauth';
import { pages } from 'hapi-forum-oauth/pages';
import { DataSource } from 'typeorm';
import flow from './flow.cjs';
import { createForum } from './forum.cjs';

for (const plugin of [OAuth, Default]) {
    const { entities, migrations } = plugin;
    const dataSource = new DataSource({ type: 'sqljs', entities, migrations });
    await dataSource.initialize();
    await dataSource.runMigrations();

    const server = await createForum(plugin, { dataSource });
    await server.initialize();
    await flow.mainFlow(server);
    if (plugin === Default) {
        await flow.visitPages(server, pages);
    }

    await server.stop();
    await dataSource.destroy();
}
