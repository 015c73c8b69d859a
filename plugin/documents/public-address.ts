import { isIP } from 'node:net';
import { IPv4, IPv6, parse } from 'ipaddr.js';

/** IPv4 networks that are not on the public internet and that ipaddr.js counts as ordinary (RFC 6890, RFC 2544, RFC 7526). */
const MORE_V4 = ['0.0.0.0/8', '192.0.0.0/24', '192.88.99.0/24', '198.18.0.0/15', '240.0.0.0/4'].map((text) =>
    IPv4.parseCIDR(text)
);

/** The only part of IPv6 that is given to hosts of the internet (RFC 4291 §2.4), without what is reserved in it. */
const GLOBAL_V6 = IPv6.parseCIDR('2000::/3');
const NOT_GLOBAL_V6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20', '5f00::/16'].map((text) =>
    IPv6.parseCIDR(text)
);

/**
 * Whether an address is one of the public internet (RFC 6890). An IPv6 address that stands for an IPv4 address (mapped, NAT64,
 * 6to4, Teredo) is never one: a name for a public host has no need of it.
 */
export function isPublicAddress(text: string): boolean {
    // Not the short forms that some systems take, such as 127.1.
    if (isIP(text) === 0) {
        return false;
    }
    const address = parse(text);
    if (address instanceof IPv4) {
        return address.range() === 'unicast' && !MORE_V4.some((network) => address.match(network));
    }
    return (
        address.range() === 'unicast' &&
        address.match(GLOBAL_V6) &&
        !NOT_GLOBAL_V6.some((network) => address.match(network))
    );
}
