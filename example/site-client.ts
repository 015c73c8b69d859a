import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as oidc from 'openid-client';
import { PASSWORD } from './accounts';
import { kept } from './kept';
import { DATA_DIRECTORY } from './settings';

/** Whose application the site is, where it registers itself. Any member will do. */
const OWNER = 'frigg';

const FILE = 'site-client.json';

/** What the site is to the forum. */
interface Registration {
    issuer: string;
    clientId: string;
    /** Left out for a public client. */
    clientSecret?: string;
}

/**
 * Finds the forum's endpoints, and the site's client there: the one in the environment (CLIENT_ID, CLIENT_SECRET), else
 * the one that an earlier start registered, else a new one.
 *
 * @param redirectUri where the forum sends people back to
 */
export async function discoverForum(
    issuer: string,
    redirectUri: string,
    env: Record<string, string | undefined>
): Promise<oidc.Configuration> {
    if (env.CLIENT_ID) {
        return discover({ issuer, clientId: env.CLIENT_ID, clientSecret: env.CLIENT_SECRET || undefined });
    }
    const found = await read();
    if (found?.issuer === issuer) {
        const configuration = await discover(found);
        if (await isKnown(configuration)) {
            return configuration;
        }
    }
    // A forum that keeps nothing, or another forum.
    await rm(join(DATA_DIRECTORY, FILE), { force: true });
    return discover(
        JSON.parse(await kept(FILE, async () => JSON.stringify(await register(issuer, redirectUri)))) as Registration
    );
}

function discover({ issuer, clientId, clientSecret }: Registration): Promise<oidc.Configuration> {
    const authentication = clientSecret === undefined ? oidc.None() : oidc.ClientSecretBasic(clientSecret);
    return oidc.discovery(new URL(issuer), clientId, undefined, authentication, {
        // Over https, only the forum can have sent an ID token. Over http, only its signature proves it.
        execute: issuer.startsWith('https:') ? [] : [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks]
    });
}

/** Whether the forum still has the client and the secret is right: only then does it respond about a token, any token. */
async function isKnown(configuration: oidc.Configuration): Promise<boolean> {
    try {
        await oidc.tokenIntrospection(configuration, 'none');
        return true;
    } catch (error) {
        if (error instanceof oidc.WWWAuthenticateChallengeError) {
            return false;
        }
        throw error;
    }
}

/** Does with a member's session what the member would do on a page of the forum. */
async function register(issuer: string, redirectUri: string): Promise<Registration> {
    const { origin } = new URL(issuer);
    const signIn = await post(`${origin}/api/auth/password/signin`, { handle: OWNER, password: PASSWORD });
    const cookie = signIn.headers
        .getSetCookie()
        .map((text) => text.split(';', 1)[0])
        .join('; ');
    const created = await post(
        `${origin}/api/auth/oauth/clients`,
        {
            name: 'A second site',
            type: 'confidential',
            redirect_uris: [redirectUri],
            allowed_grants: ['authorization_code'],
            allowed_scopes: ['openid', 'profile', 'email']
        },
        { cookie }
    );
    const { client, client_secret: clientSecret } = (await created.json()) as {
        client: { client_id: string };
        client_secret: string;
    };
    return { issuer, clientId: client.client_id, clientSecret };
}

async function post(url: string, body: object, headers: Record<string, string> = {}): Promise<Response> {
    const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body)
    });
    if (!response.ok) {
        throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
    }
    return response;
}

async function read(): Promise<Registration | null> {
    try {
        return JSON.parse(await readFile(join(DATA_DIRECTORY, FILE), 'utf8')) as Registration;
    } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
            return null;
        }
        throw error;
    }
}
