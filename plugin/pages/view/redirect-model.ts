import { isLoopback } from '../../loopback';

/** Where a redirect leads: a website, a program on this computer, or an application that handles a scheme. */
export function redirectModel(uri: string): object {
    const { host, hostname, protocol } = new URL(uri);
    const isWeb = protocol === 'https:' || protocol === 'http:';
    const kind = !isWeb ? 'app' : isLoopback(hostname) ? 'computer' : 'site';
    return { uri: uri.replace(/\?.*$/s, ''), kind: { [kind]: true }, host: isWeb ? host : protocol };
}
