import type { ResponseObject } from '@hapi/hapi';
import { OAuthError } from '../../errors/oauth-error';
import type { Visit } from '../request/visit';

/** Longer than a code can be, however it is typed. */
export const MAX_TYPED = 64;

/** The form for the code that a device shows. */
export function showCodeForm({ pages, view }: Visit, typed: string): ResponseObject {
    return view('device-code', {
        title: pages.settings.strings['device.title'],
        typed,
        path: pages.pathOf('device')
    });
}

/**
 * The form again, with what is wrong with the code.
 *
 * @throws the error itself where the code is not at fault
 */
export function showCodeProblem({ pages, view }: Visit, typed: string, error: unknown): ResponseObject {
    if (!(error instanceof OAuthError) || error.output.statusCode >= 500) {
        throw error as Error;
    }
    const { statusCode, headers } = error.output;
    const retryAfter = headers['retry-after'];
    const response = view(
        'device-code',
        {
            title: pages.settings.strings['device.title'],
            typed,
            path: pages.pathOf('device'),
            problem: problemOf(error),
            minutes: String(Math.ceil(Number(retryAfter ?? 60) / 60)),
            failed: true
        },
        statusCode
    );
    return retryAfter === undefined ? response : response.header('retry-after', String(retryAfter));
}

/** The key of the text. */
function problemOf({ error, output }: OAuthError): string {
    if (output.statusCode === 429) {
        return 'device.too_many';
    }
    if (error === 'unauthorized_client') {
        return 'error.client_stopped';
    }
    return error === 'access_denied' ? 'device.taken' : 'device.unusable';
}
