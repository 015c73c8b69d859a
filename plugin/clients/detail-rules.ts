import { invalidField } from '../errors/management-error';
import type { ClientDetails } from './fields';

const MAX_URI = 2048;
const MAX_DESCRIPTION = 1000;
/** Of the reason of a suspension, characters. */
export const MAX_REASON = 500;

/** Control characters, except the tab and line breaks of a longer text. */
const CONTROLS = /[^\P{Cc}\t\n\r]/u;

/**
 * Checks what people judge an application by. A field that is null or left out is not checked.
 *
 * @throws ManagementError 400
 */
export function checkDetails(details: Partial<Record<keyof ClientDetails, string | null | undefined>>): void {
    for (const field of ['client_uri', 'tos_uri', 'policy_uri'] as const) {
        checkUri(field, details[field] ?? null);
    }
    checkText('description', details.description ?? null, MAX_DESCRIPTION);
}

/** @throws ManagementError 400 */
export function checkSuspendedReason(reason: string | null, isSuspended: boolean): void {
    if (reason !== null && !isSuspended) {
        throw invalidField(
            'suspended_reason',
            'suspended',
            'Only a suspended client has a reason.',
            'Send status: suspended as well, or leave the reason out.'
        );
    }
    checkText('suspended_reason', reason, MAX_REASON);
}

function checkUri(field: string, uri: string | null): void {
    if (uri === null) {
        return;
    }
    // What a URL parser would repair is not a URL that people can compare.
    const isPlain = /^https:\/\/[\x21\x23-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e]+$/.test(uri) && URL.canParse(uri);
    const url = isPlain ? new URL(uri) : null;
    if (!url || url.username !== '' || url.password !== '' || uri.length > MAX_URI) {
        throw invalidField(
            field,
            'uri',
            `${field} must be an https URL of at most ${MAX_URI} characters, without user information.`,
            'Correct the URL, or leave it out.'
        );
    }
}

function checkText(field: string, text: string | null, most: number): void {
    if (text === null) {
        return;
    }
    const length = [...text].length;
    if (length === 0 || length > most || CONTROLS.test(text) || !text.isWellFormed()) {
        throw invalidField(
            field,
            'text',
            `${field} must have 1 to ${most} characters and no control characters.`,
            'Correct the text, or leave it out.'
        );
    }
}
