import type { Request, ResponseObject, ResponseToolkit, Server } from '@hapi/hapi';
import type { Database } from './store/database';
import type { EmitEvent } from './events';
import type { DocumentCache } from './documents/document-cache';
import type { RateLimits } from './rate-limits/rate-limits';
import type { Account, Settings } from './options/options';
import type { ScopeRegistry } from './scopes/registry';
import type { KeySet } from './tokens/keys';
import type { Macs } from './tokens/macs';
import type { VerifiedTokenCache } from './tokens/verified-token-cache';

/** All that one registration of the plugin works with; there are no globals. */
export interface Context {
    readonly settings: Settings;
    readonly database: Database;
    readonly keys: KeySet;
    readonly macs: Macs;
    /** Access tokens of this issuer that one of these keys signed. */
    readonly verifiedTokens: VerifiedTokenCache;
    readonly scopeRegistry: ScopeRegistry;
    /** The documents that describe clients. */
    readonly documents: DocumentCache;
    readonly limits: RateLimits;
    /** The current time, epoch milliseconds. */
    readonly clock: () => number;
    readonly emit: EmitEvent;
    /** The account, or null where there is none or it may not act now. Never called inside a transaction. */
    readonly findAccount: (accountId: string) => Promise<Account | null>;
    /** What the ready-made pages show in place of JSON, once they are registered. */
    readonly pages: {
        /** @param location where the request would have been redirected to */
        refusal?: (request: Request, h: ResponseToolkit, location: string) => Promise<ResponseObject>;
    };
    /** Absolute URL of a path below the route prefix. */
    readonly endpoint: (path: string) => string;
}

/** By `server.plugins`, the one object that all plugins of a server share. */
const contexts = new WeakMap<object, Context>();

/** Keeps a server's context for the pages, which are a plugin of their own. */
export function keepContext({ plugins }: Server, context: Context): void {
    contexts.set(plugins, context);
}

/** The context of the plugin's registration with this server; undefined where there was none. */
export function contextOf({ plugins }: Server): Context | undefined {
    return contexts.get(plugins);
}
