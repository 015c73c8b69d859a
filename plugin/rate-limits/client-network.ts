import { isIPv6 } from 'node:net';
import { IPv6 } from 'ipaddr.js';

/** How many of the eight groups of an IPv6 address name its network. */
const NETWORK_GROUPS = 4;

/**
 * What an address is counted by: an IPv4 address by itself, however it is written (mapped, RFC 4291 §2.5.5.2; behind
 * NAT64, RFC 6052 §2.1), and an IPv6 address by its /64 network, the least that one subscriber has. Any other text that a
 * host calls an address is returned as it is.
 */
export function clientNetwork(address: string): string {
    if (!isIPv6(address)) {
        return address;
    }
    // ipaddr.js does not read every zone that Node.js does, and a zone does not matter here.
    const parsed = IPv6.parse(address.replace(/%.*$/, ''));
    switch (parsed.range()) {
        case 'ipv4Mapped':
            return parsed.toIPv4Address().toString();
        case 'rfc6052':
            return parsed.toByteArray().slice(-4).join('.');
        default: {
            const network = parsed.parts.slice(0, NETWORK_GROUPS).map((group) => group.toString(16));
            return `${network.join(':')}::/64`;
        }
    }
}
