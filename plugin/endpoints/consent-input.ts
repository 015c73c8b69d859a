import type { Request } from '@hapi/hapi';
import { OAuthError } from '../errors/oauth-error';
import { requireDecision, type Decision } from '../flows/decision';
import { readJsonBody } from '../http/body';

/** What a consent is about: the code that a person typed, or the request that a redirect carried. */
type Subject = 'user_code' | 'request_id';

/** More characters than either can have, however a code is typed. */
const MAX_LENGTH = 64;

/** @throws OAuthError `invalid_request` */
export function readConsentQuery(request: Request, name: Subject): string {
    return checkSubject(name, (request.query as Record<string, unknown>)[name]);
}

/** @throws OAuthError `invalid_request` */
export function readConsentBody(request: Request, name: Subject): { subject: string; decision: Decision } {
    const body = readJsonBody(request);
    if (!body) {
        throw OAuthError.invalidRequest('The body must be a JSON object, sent as application/json');
    }
    const subject = checkSubject(name, body[name]);
    const { decision } = body;
    requireDecision(decision);
    return { subject, decision };
}

function checkSubject(name: Subject, value: unknown): string {
    if (typeof value !== 'string' || value === '') {
        throw OAuthError.invalidRequest(`The ${name} is missing, or given more than once`);
    }
    if (value.length > MAX_LENGTH) {
        throw OAuthError.invalidRequest(`The ${name} is too long`);
    }
    return value;
}
