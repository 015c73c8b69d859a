import { isIP } from 'node:net';
import type { Settings } from '../options/options';

const MAX_LENGTH = 512;

/**
 * Whether a `client_id` is the URL of a metadata document that may be fetched
 * (draft-ietf-oauth-client-id-metadata-document §3): `https`, in its plain form, with a path, and on no host of the forum's own.
 */
export function isDocumentUrl(clientId: string, settings: Settings): boolean {
    if (!clientId.startsWith('https://') || clientId.length > MAX_LENGTH || !URL.canParse(clientId)) {
        return false;
    }
    const url = new URL(clientId);
    const { hash, hostname, href, password, pathname, username } = url;
    const isPlain = href === clientId && pathname !== '/' && hash === '' && !clientId.includes('#');
    const hasHost = isIP(hostname.replace(/^\[|\]$/g, '')) === 0 && !hostname.endsWith('.');
    return isPlain && username === '' && password === '' && hasHost && !ownHosts(settings).has(hostname);
}

/** The hosts that the forum itself is at: a document there could be a member's post. */
function ownHosts({ issuer, resources, session, urls }: Settings): Set<string> {
    const own = [
        issuer,
        ...resources.map(({ identifier }) => identifier),
        urls.login,
        urls.authorizationConsent,
        urls.deviceConsent,
        ...session.origins
    ];
    return new Set(own.map((url) => new URL(url).hostname));
}
