import type { Request } from '@hapi/hapi';
import Joi from 'joi';
import type { Context } from '../context';
import { knownResources, resourceMetadataUrl } from '../resources';

/** What a strategy of the scheme `oauth` takes. */
export interface StrategyOptions {
    /** One of the option `resources`. Default: the first of them. */
    resource?: string;
    /** The scopes that the challenge of a request without a token names. */
    challengeScope?: string[];
    /** Whether personal access keys open it too. Default: false. */
    accessKeys?: boolean;
}

/** What a strategy of the scheme `oauth` works with; `server.auth.api` has it by the strategy's name. */
export interface ResourceStrategy {
    /** The `aud` of the tokens that it accepts. */
    resource: string;
    challengeScope: string[];
    accessKeys: boolean;
    /** The address of the resource's metadata; null where the option `resources` is off. */
    metadata: string | null;
}

const schema = Joi.object<StrategyOptions>({
    resource: Joi.string(),
    challengeScope: Joi.array().items(Joi.string()),
    accessKeys: Joi.boolean().strict()
}).default({});

/**
 * Checks the options of a strategy.
 *
 * @throws Error
 */
export function readStrategyOptions({ settings }: Pick<Context, 'settings'>, options: unknown): ResourceStrategy {
    const result = schema.validate(options);
    const { error } = result;
    const { resource = settings.audience, challengeScope = [], accessKeys = false } = error ? {} : result.value;
    if (error || !knownResources(settings).includes(resource)) {
        throw new Error(
            `hapi-forum-oauth: a strategy of the scheme oauth takes { resource, challengeScope, accessKeys }, with a resource of "resources"${
                error ? `: ${error.message}` : `, but got ${resource}`
            }`
        );
    }
    if (accessKeys && !settings.accessKeys) {
        throw new Error('hapi-forum-oauth: a strategy with accessKeys: true needs the option "accessKeys"');
    }
    return {
        resource,
        challengeScope,
        accessKeys,
        metadata: settings.resources.length === 0 ? null : resourceMetadataUrl(resource)
    };
}

/** The strategies of the scheme `oauth` among those of a request's route, by name and in order. */
export function strategiesOf({ route, server }: Request): Map<string, ResourceStrategy> {
    // hapi's types lack both.
    const auth = server.auth as unknown as {
        lookup(route: Request['route']): { strategies: string[] } | false | undefined;
        api: Record<string, Partial<ResourceStrategy> | undefined>;
    };
    const config = auth.lookup(route) || undefined;
    const found = new Map<string, ResourceStrategy>();
    for (const name of config?.strategies ?? []) {
        const api = auth.api[name];
        if (api?.challengeScope) {
            found.set(name, api as ResourceStrategy);
        }
    }
    return found;
}

/** Whether a later strategy of the request's route accepts what this one does not. */
export function isForLater(
    request: Request,
    own: ResourceStrategy,
    accepts: (strategy: ResourceStrategy) => boolean
): boolean {
    const strategies = [...strategiesOf(request).values()];
    return strategies.slice(strategies.indexOf(own) + 1).some(accepts);
}
