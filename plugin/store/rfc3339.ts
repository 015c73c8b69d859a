/** A time as responses show it (RFC 3339, UTC). */
export function rfc3339(milliseconds: number | string): string {
    return new Date(Number(milliseconds)).toISOString();
}
