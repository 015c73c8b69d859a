import { createHash, randomBytes } from 'node:crypto';
import type { DataSource } from 'typeorm';
import {
    OAuthAuthorizationCode,
    OAuthAuthorizationRequest,
    OAuthClient,
    OAuthGrant,
    OAuthRefreshToken
} from '../../entities';
import { basic, FRIGG, ISSUER, type Answer, type Forum, type Tokens, unique } from './forum';

/** An application that signs members in, as its developer knows it. */
export interface App {
    /** The client's `id`. */
    id: string;
    client_id: string;
    /** Only of a confidential one. */
    secret?: string;
    redirectUri: string;
}

export const REDIRECT_URI = 'https://app.example/cb';

/** All that an application of the tests is allowed, unless it says otherwise. */
export const APP_SCOPES = [
    'openid',
    'profile',
    'email',
    'offline_access',
    'CREATE_POST',
    'READ_PUBLISHED_THREADS',
    'CREATE_REACTION'
];

/** Registers an application that the forum vouches for, public unless it says otherwise. */
export async function createApp(forum: Forum, fields: Record<string, unknown> = {}, accountId = FRIGG): Promise<App> {
    const { client, client_secret: secret } = await forum.createClient(accountId, {
        name: unique('App '),
        type: 'public',
        allowed_grants: ['authorization_code', 'refresh_token'],
        allowed_scopes: APP_SCOPES,
        redirect_uris: [REDIRECT_URI],
        pkce_required: true,
        ...fields
    });
    await changeApp(forum.dataSource, client, { verified: true });
    return {
        id: client.id,
        client_id: client.client_id,
        ...(secret !== undefined && { secret }),
        redirectUri: client.redirect_uris[0]!
    };
}

/** Changes an application's row as no member can. */
export async function changeApp(
    dataSource: DataSource,
    { id }: Pick<App, 'id'>,
    change: Partial<OAuthClient>
): Promise<void> {
    await dataSource.getRepository(OAuthClient).update({ id }, change);
}

/** A verifier and its challenge (RFC 7636 §4). */
export function pkce(): { verifier: string; challenge: string } {
    const verifier = randomBytes(32).toString('base64url');
    return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') };
}

/** Parameters to replace, or with null to leave out. */
export type Changes = Record<string, string | null>;

/** What an application asks with, in good order. */
export function parametersOf(app: App, changes: Changes = {}): [string, string][] {
    const parameters: Changes = {
        response_type: 'code',
        client_id: app.client_id,
        redirect_uri: app.redirectUri,
        scope: 'openid READ_PUBLISHED_THREADS',
        state: 'the state',
        code_challenge: pkce().challenge,
        code_challenge_method: 'S256',
        ...changes
    };
    return Object.entries(parameters).filter((pair): pair is [string, string] => pair[1] !== null);
}

/** The authorization request of someone's browser. */
export function authorize(
    forum: Forum,
    accountId: string | null,
    parameters: [string, string][] | string,
    headers: Record<string, string> = {}
): Promise<Answer> {
    const query = typeof parameters === 'string' ? parameters : new URLSearchParams(parameters).toString();
    return forum.as(accountId, 'GET', `/oauth/authorize?${query}`, undefined, headers);
}

/** Where an answer sends the browser. */
export function locationOf({ headers, status, text }: Answer): string {
    if (headers.location === undefined) {
        throw new Error(`No redirect: ${status} ${text}`);
    }
    return headers.location;
}

/** The parameters that a redirect carries to an application. */
export function answered(answer: Answer): Record<string, string> {
    return Object.fromEntries(new URL(locationOf(answer)).searchParams);
}

/** An authorization request up to the consent page; its id there. */
export async function beginRequest(forum: Forum, app: App, changes: Changes = {}, accountId = FRIGG): Promise<string> {
    const answer = await authorize(forum, accountId, parametersOf(app, changes));
    const page = answer.headers.location ?? '';
    if (!page.startsWith(`${ISSUER}/oauth/authorize/consent?`)) {
        throw new Error(`No consent page: ${answer.status} ${page} ${answer.text}`);
    }
    return new URL(page).searchParams.get('request_id')!;
}

export function readRequest(forum: Forum, accountId: string | null, requestId: string): Promise<Answer> {
    return forum.as(accountId, 'GET', `/oauth/authorize/consent?request_id=${encodeURIComponent(requestId)}`);
}

export function decideRequest(
    forum: Forum,
    accountId: string | null,
    requestId: string,
    decision: unknown = 'approve',
    headers: Record<string, string> = {}
): Promise<Answer> {
    return forum.as(accountId, 'POST', '/oauth/authorize/consent', { request_id: requestId, decision }, headers);
}

/** A code, with what it is bound to. */
export interface ObtainedCode {
    app: App;
    code: string;
    redirectUri: string;
    verifier: string;
}

/** The flow up to the code. */
export async function obtainCode(
    forum: Forum,
    app: App,
    changes: Changes = {},
    accountId = FRIGG
): Promise<ObtainedCode> {
    const { verifier, challenge } = pkce();
    const requestId = await beginRequest(forum, app, { code_challenge: challenge, ...changes }, accountId);
    const decided = await decideRequest(forum, accountId, requestId);
    const code = decided.status === 200 ? new URL(decided.body.location).searchParams.get('code') : null;
    if (code === null) {
        throw new Error(`No code: ${decided.status} ${decided.text}`);
    }
    return { app, code, redirectUri: changes.redirect_uri ?? app.redirectUri, verifier };
}

/** The exchange of a code, by its application unless the changes say otherwise. */
export function redeem(
    forum: Forum,
    { app, code, redirectUri, verifier }: ObtainedCode,
    changes: Changes = {},
    headers: Record<string, string> = {}
): Promise<Answer> {
    const fields: Changes = {
        grant_type: 'authorization_code',
        code,
        redirect_uri: redirectUri,
        code_verifier: verifier,
        ...(headers.authorization === undefined && { client_id: app.client_id, client_secret: app.secret ?? null }),
        ...changes
    };
    const given = Object.entries(fields).filter((pair): pair is [string, string] => pair[1] !== null);
    return forum.form('/oauth/token', given, headers);
}

/** The whole flow, to tokens. */
export async function signInTo(forum: Forum, app: App, changes: Changes = {}, accountId = FRIGG): Promise<Tokens> {
    const { status, body } = await redeem(forum, await obtainCode(forum, app, changes, accountId));
    if (status !== 200) {
        throw new Error(`No tokens: ${JSON.stringify(body)}`);
    }
    return body;
}

/** `client_secret_basic` of a confidential application. */
export function basicOf(app: App): Record<string, string> {
    return basic(app.client_id, app.secret!);
}

export function bearer(token: string): Record<string, string> {
    return { authorization: `Bearer ${token}` };
}

/** How many rows of each kind there are: the same before and after, nothing was written. */
export function countRows(dataSource: DataSource): Promise<number[]> {
    const kinds = [OAuthAuthorizationCode, OAuthAuthorizationRequest, OAuthClient, OAuthGrant, OAuthRefreshToken];
    return Promise.all(kinds.map((kind) => dataSource.getRepository(kind).count()));
}
