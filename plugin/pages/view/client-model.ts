import type { ClientDescription } from '../../clients/describe';
import { DEVICE_CODE_GRANT } from '../../clients/grant-rules';

/** A client in a list of applications. */
export function clientCard(client: ClientDescription, path: string): object {
    return {
        ...client,
        initial: initialOf(client.name),
        confidential: client.type === 'confidential',
        inherits: client.scope_policy === 'inherit',
        suspended: client.status === 'suspended',
        path
    };
}

/** Which grant types are among a client's. */
export function grantsModel(grants: readonly string[]): Record<'code' | 'device' | 'credentials' | 'refresh', boolean> {
    return {
        code: grants.includes('authorization_code'),
        device: grants.includes(DEVICE_CODE_GRANT),
        credentials: grants.includes('client_credentials'),
        refresh: grants.includes('refresh_token')
    };
}

/** The first letter or digit of an application's name, shown in place of a logo. */
export function initialOf(name: string): string {
    return /[\p{L}\p{N}]/u.exec(name)?.[0].toUpperCase() ?? '?';
}
