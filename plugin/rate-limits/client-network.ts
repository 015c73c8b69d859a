import { isIPv6 } from 'node:net';
import { IPv6 } from 'ipaddr.js';

/** A network of addresses that one limit counts together. */
export interface Network {
    name: string;
    /** How much larger its limit is than that of the smallest network. */
    factor: number;
}

/** How many bits of an IPv6 address name its networks, and how much larger the limit of each is. */
const IPV6_NETWORKS = [
    { bits: 64, factor: 1 },
    { bits: 56, factor: 4 },
    { bits: 48, factor: 16 }
] as const;

/**
 * What an address is counted by: an IPv4 address by itself, however it is written (mapped, RFC 4291 §2.5.5.2; behind
 * NAT64, RFC 6052 §2.1; 6to4, RFC 3056 §2), and an IPv6 address by its /64 network, the least that one subscriber has. Any
 * other text that a host calls an address is returned as it is.
 */
export function clientNetwork(address: string): string {
    return networksOf(address)[0]!.name;
}

/** The networks that an address is counted by, the smallest first: providers give a subscriber up to a /48 of IPv6. */
export function networksOf(address: string): Network[] {
    if (!isIPv6(address)) {
        return [{ name: address, factor: 1 }];
    }
    // ipaddr.js does not read every zone that Node.js does, and a zone does not matter here.
    const parsed = IPv6.parse(address.replace(/%.*$/, ''));
    const bytes = parsed.toByteArray();
    switch (parsed.range()) {
        case 'ipv4Mapped':
            return [{ name: parsed.toIPv4Address().toString(), factor: 1 }];
        case 'rfc6052':
            return [{ name: bytes.slice(-4).join('.'), factor: 1 }];
        case '6to4':
            return [{ name: bytes.slice(2, 6).join('.'), factor: 1 }];
        default:
            return IPV6_NETWORKS.map(({ bits, factor }) => ({ name: networkName(bytes, bits), factor }));
    }
}

/** Such as `2001:db8:1:2::/64`. */
function networkName(bytes: readonly number[], bits: number): string {
    const kept = bytes.slice(0, 8).map((byte, place) => (place * 8 < bits ? byte : 0));
    const groups = [0, 2, 4, 6].map((at) => ((kept[at]! << 8) | kept[at + 1]!).toString(16));
    return `${groups.join(':')}::/${bits}`;
}
