import type { Request, ServerRoute } from '@hapi/hapi';
import { registerClient, type RegistrationResponse } from '../clients/registration';
import type { Context } from '../context';
import { OAuthError } from '../errors/oauth-error';
import { readJsonBody } from '../http/body';
import { clientAddress } from '../http/client-address';
import { protocolErrors, withErrorResponses } from '../http/error-responses';
import { noStore } from '../http/headers';
import { authorizationHeader, PROTOCOL_ROUTE } from '../http/protocol-route';
import { rateHeaders, tallyOf } from '../http/rate-headers';

/** The client registration endpoint (RFC 7591 §3), where the option `registration` is on. */
export function registrationRoutes(context: Context): ServerRoute[] {
    if (!context.settings.registration) {
        return [];
    }
    const ending = [{ method: protocolErrors }, { method: noStore }, { method: rateHeaders(context) }];
    return [
        {
            method: 'POST',
            path: '/oauth/register',
            options: { ...PROTOCOL_ROUTE, ext: { onPreResponse: ending } },
            handler: withErrorResponses(async (request, h) => h.response(await register(context, request)).code(201))
        }
    ];
}

async function register(context: Context, request: Request): Promise<RegistrationResponse> {
    await context.limits.registration(clientAddress(context, request), tallyOf(request));
    await requireInitialToken(context, request);
    const body = readJsonBody(request);
    if (!body) {
        throw new OAuthError('invalid_client_metadata', 'The body must be a JSON object in UTF-8');
    }
    return registerClient(context, body);
}

/** @throws OAuthError `invalid_token` where the host asks for an initial access token and it is missing or wrong */
async function requireInitialToken({ settings }: Context, request: Request): Promise<void> {
    const { initialAccessToken: isRight } = settings.registration || {};
    if (!isRight) {
        return;
    }
    const [, token] = /^bearer +(\S+)$/i.exec(authorizationHeader(request) ?? '') ?? [];
    if (token === undefined || !(await isRight(token, request))) {
        throw OAuthError.invalidToken('An initial access token is needed, which the forum gives', {
            headers: { 'www-authenticate': token === undefined ? 'Bearer' : 'Bearer error="invalid_token"' }
        });
    }
}
