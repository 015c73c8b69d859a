import Joi from 'joi';
import { STANDARD_SCOPES } from '../scopes/registry';
import type { PermissionSettings } from './permissions';

/** When a client that names the refresh token grant gets a refresh token: always, or where it asks for `offline_access`. */
export type RefreshPolicy = 'always' | 'offline_access';

/** Clients that a metadata document describes (draft-ietf-oauth-client-id-metadata-document). */
export interface ClientMetadataDocumentsOptions {
    /** The permissions that such clients may have beside the standard scopes. Default: what reads. */
    scopes?: string[];
    /** Default: `always`. */
    refreshPolicy?: RefreshPolicy;
    /** Whether a document may be used. Default: any. */
    allow?: (url: string) => boolean | Promise<boolean>;
    /** Client ids, exactly, that count as verified. */
    trusted?: string[];
    /** Documents by their URL that are never fetched. They count as verified. */
    pinned?: Record<string, object>;
    /** How many such clients there may be. Default: 10000. */
    maxClients?: number;
    /** For tests, where the issuer is on a loopback host: the addresses of a host, and who certifies it. */
    resolve?: (host: string) => Promise<string[]>;
    ca?: string;
}

/** Clients that register themselves (RFC 7591). */
export interface RegistrationOptions {
    /** The permissions that such clients may have beside the standard scopes. Default: what reads. */
    scopes?: string[];
    /** Default: `always`. */
    refreshPolicy?: RefreshPolicy;
    /** Whether an initial access token (RFC 7591 §3) is right. Default: none is needed. */
    initialAccessToken?: (token: string, request: object) => boolean | Promise<boolean>;
    /** How long a client that was never used is kept, seconds. Default: seven days. */
    unusedFor?: number;
    /** How many such clients there may be. Default: 100000. */
    maxClients?: number;
}

type WithDefaults<Options> = Options & {
    scopes: string[];
    refreshPolicy: RefreshPolicy;
    maxClients: number;
};

export type ClientMetadataDocumentsSettings = WithDefaults<ClientMetadataDocumentsOptions> & {
    trusted: string[];
    pinned: Record<string, object>;
};

export type RegistrationSettings = WithDefaults<RegistrationOptions> & { unusedFor: number };

const shared = {
    scopes: Joi.array().items(Joi.string()).unique(),
    refreshPolicy: Joi.valid('always', 'offline_access').default('always')
};

export const clientMetadataDocuments = Joi.object<ClientMetadataDocumentsSettings>({
    ...shared,
    allow: Joi.function(),
    trusted: Joi.array().items(Joi.string()).default([]),
    pinned: Joi.object().pattern(Joi.string(), Joi.object().unknown()).default({}),
    maxClients: Joi.number().integer().min(1).default(10_000),
    resolve: Joi.function(),
    ca: Joi.string()
})
    .allow(false)
    .default(false)
    .messages({ 'object.base': '{{#label}} must be false or an object' });

export const registration = Joi.object<RegistrationSettings>({
    ...shared,
    initialAccessToken: Joi.function(),
    unusedFor: Joi.number().integer().min(3600).max(31_536_000).default(604_800),
    maxClients: Joi.number().integer().min(1).default(100_000)
})
    .allow(false)
    .default(false)
    .messages({ 'object.base': '{{#label}} must be false or an object' });

/** What an application that nobody has looked at may do: read what is public to members. */
const READING = [
    'READ_PUBLISHED_THREADS',
    'READ_PUBLISHED_LIBRARY',
    'LIST_PROFILES',
    'READ_PROFILE',
    'LIST_COLLECTIONS',
    'READ_COLLECTION'
];

/**
 * The scopes of clients that made themselves known: the standard ones and the option's.
 *
 * @throws Error for one that the forum does not know, and for the administrator permission
 */
export function selfMadeScopes(
    option: string,
    scopes: string[] | undefined,
    { all, administrator }: PermissionSettings
): string[] {
    const wrong = scopes?.find((name) => name === administrator || !all.includes(name));
    if (wrong !== undefined) {
        throw new Error(
            `hapi-forum-oauth: "${option}.scopes" must have permissions of the forum other than ${administrator}, but got ${wrong}`
        );
    }
    return [...STANDARD_SCOPES, ...(scopes ?? READING.filter((name) => all.includes(name)))];
}
