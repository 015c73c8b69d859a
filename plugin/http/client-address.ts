import type { Request } from '@hapi/hapi';
import type { Context } from '../context';

/**
 * Where a request comes from: as the host says, or else the other end of its connection.
 *
 * @throws Error when what the host says is no text
 */
export function clientAddress({ settings }: Context, request: Request): string {
    const given: unknown = settings.limits.address?.(request) || undefined;
    if (given !== undefined && typeof given !== 'string') {
        throw new Error('limits.address must answer a string or nothing');
    }
    // A socket of the file system has no address: to the limits all its people are one.
    return given ?? request.info.remoteAddress ?? '';
}
