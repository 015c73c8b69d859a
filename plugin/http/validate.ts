import type { Request } from '@hapi/hapi';
import type Joi from 'joi';
import { invalidField, type ManagementError } from '../errors/management-error';
import { readJsonBody } from './body';

/** @throws ManagementError that names the field and the rule */
export function readBody<Value>(request: Request, schema: Joi.ObjectSchema<Value>): Value {
    const body = readJsonBody(request);
    if (!body) {
        throw invalidField(
            'body',
            'json',
            'The body is not a JSON object.',
            'Send a JSON object as application/json, in UTF-8 and without compression.'
        );
    }
    return check(body, schema);
}

/** @throws ManagementError that names the field and the rule */
export function readQuery<Value>(request: Request, schema: Joi.ObjectSchema<Value>): Value {
    return check(request.query, schema);
}

/**
 * What a host's own code passes, which may have more fields than are taken.
 *
 * @throws ManagementError that names the field and the rule
 */
export function checkInput<Value>(input: unknown, schema: Joi.Schema<Value>): Value {
    return check(input, schema, { stripUnknown: true });
}

function check<Value>(input: unknown, schema: Joi.Schema<Value>, options: Joi.ValidationOptions = {}): Value {
    const result = schema.validate(input, { convert: false, errors: { wrap: { label: false } }, ...options });
    if (result.error) {
        throw fieldError(result.error);
    }
    return result.value;
}

function fieldError({ details }: Joi.ValidationError): ManagementError {
    const { path, type, message } = details[0]!;
    const field = path
        .map((part, place) => (typeof part === 'number' ? `[${part}]` : place === 0 ? part : `.${part}`))
        .join('')
        .slice(0, 100);
    const suggested =
        type === 'object.unknown'
            ? 'Leave the field out, or check its spelling.'
            : 'Correct the field that metadata names.';
    return invalidField(field, type, `${message.slice(0, 300)}.`, suggested);
}
