import type Joi from 'joi';

/** Options whose values may hold a key or a password. Problems with them are reported without the value. */
const SECRET = new Set(['accounts', 'dataSource', 'limits.redis', 'secret', 'signingKeys']);

/** Says which option is wrong, what was expected and, unless it may be a secret, what was given. */
export function describeProblem({ details }: Joi.ValidationError): string {
    const { context, message, path, type } = details[0]!;
    // A value under an unknown name, or in the place of a group of options, can be anything.
    const unknown = type === 'object.unknown' || (type === 'object.base' && context?.type === 'object');
    return `${message}, but got ${describeValue(context?.value, !unknown && !isSecret(path))}`;
}

function isSecret(path: readonly (string | number)[]): boolean {
    return path.some((_, index) => SECRET.has(path.slice(0, index + 1).join('.')));
}

function describeValue(value: unknown, show: boolean): string {
    if (value === undefined) {
        return 'nothing';
    }
    if (value === null) {
        return 'null';
    }
    const kind = Array.isArray(value) ? 'an array' : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
    if (show && typeof value === 'string') {
        return `${kind} (${JSON.stringify(value.slice(0, 200))})`;
    }
    return show && (typeof value === 'number' || typeof value === 'boolean') ? `${kind} (${value})` : kind;
}
