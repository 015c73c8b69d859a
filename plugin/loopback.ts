/** True for the hosts that never leave the machine: `localhost`, `127.0.0.0/8`, `[::1]` (RFC 8252 §7.3, §8.3). */
export function isLoopback(hostname: string): boolean {
    return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}
