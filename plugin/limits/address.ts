import { isIP, isIPv6 } from 'node:net';

const IPV4_IN_IPV6 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/** How many of the eight groups of an IPv6 address are its network's. */
const NETWORK_GROUPS = 4;

/**
 * What counts as one address: an IPv4 address, however it is written, and the /64 network of an IPv6 address, which is
 * what one subscriber has at least. Anything else a host may call an address is taken as it is.
 */
export function networkOf(address: string): string {
    const [mapped] = IPV4_IN_IPV6.exec(address)?.slice(1) ?? [];
    if (mapped !== undefined && isIP(mapped) === 4) {
        return mapped;
    }
    if (!isIPv6(address)) {
        return address;
    }
    const [head = '', tail] = address.replace(/%.*$/, '').split('::');
    const before = head === '' ? [] : head.split(':');
    const after = tail === undefined || tail === '' ? [] : tail.split(':');
    // Only the last group, outside the network, may be written as IPv4, which stands for two.
    const length = before.length + after.length + (address.includes('.') ? 1 : 0);
    const groups = [...before, ...Array<string>(tail === undefined ? 0 : 8 - length).fill('0'), ...after];
    return `${groups
        .slice(0, NETWORK_GROUPS)
        .map((group) => parseInt(group, 16).toString(16))
        .join(':')}::/64`;
}
