import { ManagementError } from '../../errors/management-error';
import { PageError } from '../request/page-error';
import type { Visit } from '../request/visit';

/** An error that a form shows at one of its fields. */
export interface FieldError {
    field: string;
    message: string;
}

/** The fields of the forms, by the fields of the operations behind them. */
const FIELDS: Record<string, string> = {
    name: 'name',
    type: 'type',
    allowed_grants: 'grants',
    pkce_required: 'grants',
    redirect_uris: 'redirect_uris',
    allowed_scopes: 'scopes',
    overlap_seconds: 'overlap_seconds'
};

/**
 * Finds the field that an operation refused.
 *
 * @throws the error itself where no field is at fault
 */
export function fieldError({ pages }: Visit, error: unknown): FieldError {
    const { metadata } = error instanceof ManagementError ? (error.output.payload as unknown as Payload) : {};
    if (metadata?.rule === 'clientsPerAccount') {
        throw new PageError('error.too_many_apps', 409);
    }
    // A list names its item: `redirect_uris[1]`.
    const [, name, item] = /^(\w+)(?:\[(\d+)\])?$/.exec(metadata?.field ?? '') ?? [];
    const field = FIELDS[name ?? ''];
    if (field === undefined) {
        throw error as Error;
    }
    const { strings } = pages.settings;
    const text = strings[`invalid.${name}.${metadata?.rule}`] ?? (error as ManagementError).message;
    return {
        field,
        message: item === undefined ? text : `${strings['invalid.line']} ${Number(item) + 1}: ${text}`
    };
}

interface Payload {
    metadata?: { field?: string; rule?: string };
}

/** What a form's template needs to show the error, or that there is none. */
export function errorModel(error: FieldError | undefined): object {
    return error ? { failed: true, error, errors: { [error.field]: error.message } } : { errors: {} };
}
