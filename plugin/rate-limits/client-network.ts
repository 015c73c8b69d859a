import { isIPv6 } from 'node:net';

/** How many of the eight groups of an IPv6 address are its network's. */
const NETWORK_GROUPS = 4;

/** What stands before an IPv4 address that is written as one of IPv6 (RFC 4291 §2.5.5.2, RFC 6052 §2.1). */
const BEFORE_IPV4 = new Set(['0:0:0:0:0:ffff', '64:ff9b:0:0:0:0']);

/**
 * What counts as one address: an IPv4 address, however it is written, and the /64 network of an IPv6 address, which is
 * what one subscriber has at least. Anything else a host may call an address is taken as it is.
 */
export function clientNetwork(address: string): string {
    if (!isIPv6(address)) {
        return address;
    }
    const groups = groupsOf(address);
    if (BEFORE_IPV4.has(textOf(groups.slice(0, 6)))) {
        return groups
            .slice(6)
            .flatMap((group) => [group >> 8, group & 0xff])
            .join('.');
    }
    return `${textOf(groups.slice(0, NETWORK_GROUPS))}::/64`;
}

/** The eight groups of an IPv6 address. */
function groupsOf(address: string): number[] {
    const [head = '', tail] = address
        .replace(/%.*$/, '')
        .replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...bytes) => hexOf(bytes.slice(0, 4).map(Number)))
        .split('::');
    const before = head === '' ? [] : head.split(':');
    const after = tail === undefined || tail === '' ? [] : tail.split(':');
    const left = tail === undefined ? 0 : 8 - before.length - after.length;
    return [...before, ...Array<string>(left).fill('0'), ...after].map((group) => parseInt(group, 16));
}

/** An IPv4 address as the two groups that it stands for. */
function hexOf([a = 0, b = 0, c = 0, d = 0]: number[]): string {
    return textOf([(a << 8) | b, (c << 8) | d]);
}

function textOf(groups: number[]): string {
    return groups.map((group) => group.toString(16)).join(':');
}
