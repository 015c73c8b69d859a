import type { Request } from '@hapi/hapi';
import type { Context } from '../context';

/** Where a request comes from: as the host says, or else the other end of its connection. */
export function addressOf({ settings }: Context, request: Request): string {
    return settings.limits.address?.(request) || request.info.remoteAddress;
}
