import type { OAuthClient } from '../../entities';
import { createId } from '../ids';
import { joinNames } from '../scopes/text';
import { randomSecret } from '../tokens/secret';
import type { Client } from './client';

const CLIENT_ID_PREFIX = 'sdoak_';
const SECRET_PREFIX = 'sdoas_';

/** A new client secret, 256 random bits. */
export function createClientSecret(): string {
    return SECRET_PREFIX + randomSecret();
}

/** What a new client is made of; what is left out has its default. */
export interface ClientFields {
    accountId: string | null;
    /** Default: a random one. */
    clientId?: string | undefined;
    name: string;
    type: Client['type'];
    /** Default: `explicit`. */
    policy?: Client['policy'] | undefined;
    grants: readonly string[];
    scopes: readonly string[];
    redirectUris: readonly string[];
    /** Lower-case hex SHA-256; null for a public client. */
    secretHash: string | null;
}

/** @param now epoch milliseconds */
export function newClientRow(now: number, fields: ClientFields): OAuthClient {
    return {
        id: createId(now),
        accountId: fields.accountId,
        clientId: fields.clientId ?? CLIENT_ID_PREFIX + randomSecret(),
        name: fields.name,
        type: fields.type,
        scopePolicy: fields.policy ?? 'explicit',
        firstParty: false,
        redirectUris: JSON.stringify(fields.redirectUris),
        allowedScopes: joinNames(fields.scopes),
        allowedGrants: joinNames(fields.grants),
        secretHash: fields.secretHash,
        previousSecretHash: null,
        previousSecretExpiresAt: null,
        createdAt: now,
        updatedAt: now,
        deletedAt: null
    };
}
