import { invalidField } from '../errors/management-error';

/** RFC 8628 §3.4. */
export const DEVICE_CODE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

/** The grant types that a client can be registered for. */
const GRANT_TYPES = ['authorization_code', DEVICE_CODE_GRANT, 'refresh_token', 'client_credentials'];

/** The fields of a client that its grant types must fit. */
export interface GrantFields {
    type: 'public' | 'confidential';
    grants: readonly string[];
    /** As sent; a public client with `authorization_code` must send true. */
    pkceRequired?: boolean | undefined;
}

/**
 * Checks that a client's grant types are known and fit its type, its PKCE setting and each other.
 *
 * @throws ManagementError 400
 */
export function checkGrants({ type, grants, pkceRequired }: GrantFields): void {
    const field = 'allowed_grants';
    if (grants.length === 0 || !grants.every((grant) => GRANT_TYPES.includes(grant))) {
        throw invalidField(
            field,
            'known',
            'A grant type is unknown, or there is none.',
            `Use ${GRANT_TYPES.join(', ')}.`
        );
    }
    if (grants.includes('client_credentials') && type !== 'confidential') {
        throw invalidField(
            field,
            'confidential',
            'client_credentials needs a confidential client.',
            'Make the client confidential, or leave the grant out.'
        );
    }
    if (grants.includes(DEVICE_CODE_GRANT) && type !== 'public') {
        throw invalidField(
            field,
            'public',
            'The device code grant needs a public client.',
            'Make the client public, or leave the grant out.'
        );
    }
    if (
        grants.includes('refresh_token') &&
        !grants.includes('authorization_code') &&
        !grants.includes(DEVICE_CODE_GRANT)
    ) {
        throw invalidField(
            field,
            'refresh_token',
            'No other grant of the client yields a refresh token.',
            'Add authorization_code or the device code grant, or leave refresh_token out.'
        );
    }
    if (type === 'public' && grants.includes('authorization_code') && pkceRequired !== true) {
        throw invalidField(
            'pkce_required',
            'public',
            'A public client with authorization_code must use PKCE.',
            'Send pkce_required: true.'
        );
    }
}
