import { randomBytes } from 'node:crypto';
import type { DataSource, Repository } from 'typeorm';
import { Thread } from './entities';

/** A thread as applications see it. */
export interface ThreadDescription {
    id: string;
    title: string;
    body: string;
    author: { handle: string; name: string };
    /** RFC 3339. */
    createdAt: string;
}

const NEWEST = 50;

/** The threads of the forum. */
export class Threads {
    readonly #threads: Repository<Thread>;

    constructor(dataSource: DataSource) {
        this.#threads = dataSource.getRepository(Thread);
    }

    async newest(): Promise<ThreadDescription[]> {
        const found = await this.#threads.find({
            relations: { author: true },
            order: { createdAt: 'DESC', id: 'DESC' },
            take: NEWEST
        });
        return found.map(describeThread);
    }

    async find(id: string): Promise<ThreadDescription | null> {
        const thread = await this.#threads.findOne({ where: { id }, relations: { author: true } });
        return thread && describeThread(thread);
    }

    async write(authorId: string, { title, body }: { title: string; body: string }): Promise<ThreadDescription> {
        const id = randomBytes(10).toString('hex');
        await this.#threads.insert({ id, title, body, authorId, createdAt: Date.now() });
        return describeThread(await this.#threads.findOneOrFail({ where: { id }, relations: { author: true } }));
    }
}

function describeThread({ id, title, body, author, createdAt }: Thread): ThreadDescription {
    return {
        id,
        title,
        body,
        author: { handle: author.handle, name: author.name },
        createdAt: new Date(createdAt).toISOString()
    };
}
