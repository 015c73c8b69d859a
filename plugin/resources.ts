import type { Context } from './context';
import { OAuthError } from './errors/oauth-error';
import { comparable } from './options/resources';
import type { Settings } from './options/options';
import type { Form } from './parameters';

/** The identifiers that tokens are issued for, the default one first. */
export function knownResources({ audience, resources }: Settings): string[] {
    return resources.length === 0 ? [audience] : resources.map(({ identifier }) => identifier);
}

/** The resources whose tokens the forum's own endpoints accept: those on the issuer's origin. */
export function ownResources(settings: Settings): string[] {
    return settings.resources.length === 0
        ? [settings.audience]
        : knownResources(settings).filter((identifier) => new URL(identifier).origin === settings.origin);
}

/**
 * The resource that a request names (RFC 8707 §2), as it is configured.
 *
 * @returns null where it names none
 * @throws OAuthError `invalid_target` for one that tokens are not issued for, and for several different ones
 */
export function requestedResource({ settings }: Pick<Context, 'settings'>, form: Form): string | null {
    const found = form.getAll('resource').map((value) => find(settings, value));
    if (found.includes(undefined)) {
        throw OAuthError.invalidTarget('This server issues no tokens for the resource');
    }
    if (new Set(found).size > 1) {
        throw OAuthError.invalidTarget('This server issues tokens for one resource at a time');
    }
    return found[0] ?? null;
}

/**
 * The resource of a request that is to be bound: what it names, or the default one.
 *
 * @returns null where the option `resources` is off, so that there is only one
 */
export function resourceToBind(context: Pick<Context, 'settings'>, form: Form): string | null {
    const requested = requestedResource(context, form);
    return context.settings.resources.length === 0 ? null : (requested ?? context.settings.audience);
}

/**
 * The resource that a grant is bound to, for which tokens are issued now.
 *
 * @param bound null for the default one
 * @throws OAuthError `invalid_target` where the request names another one, or it is not configured any more
 */
export function boundResource(context: Pick<Context, 'settings'>, form: Form, bound: string | null): string {
    const { settings } = context;
    const resource = bound ?? settings.audience;
    if (!knownResources(settings).includes(resource)) {
        throw OAuthError.invalidTarget('This server issues no tokens for the resource of the grant any more');
    }
    if ((requestedResource(context, form) ?? resource) !== resource) {
        throw OAuthError.invalidTarget('The grant is for another resource');
    }
    return resource;
}

function find(settings: Settings, value: string): string | undefined {
    if (settings.resources.length > 0) {
        return knownResources(settings).find((identifier) => comparable(identifier) === comparable(value));
    }
    return withoutEmptyPath(value) === withoutEmptyPath(settings.audience) ? settings.audience : undefined;
}

/** `https://forum.example/` and `https://forum.example` are the same resource. */
function withoutEmptyPath(resource: string): string {
    return /^[a-z][a-z0-9+.-]*:\/\/[^/?#]+\/$/i.test(resource) ? resource.slice(0, -1) : resource;
}

/** Where the metadata of a resource are (RFC 9728 §3.1). */
export function resourceMetadataUrl(identifier: string): string {
    const { origin, pathname } = new URL(identifier);
    return `${origin}/.well-known/oauth-protected-resource${pathname === '/' ? '' : pathname}`;
}
