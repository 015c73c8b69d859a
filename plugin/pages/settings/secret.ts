import type { ResponseObject } from '@hapi/hapi';
import type { ClientDescription } from '../../clients/describe';
import { rotateSecret } from '../../clients/member-clients';
import { PageError } from '../request/page-error';
import { idOf, type Visit } from '../request/visit';
import { MY_APPS, myAppsPath } from './my-apps-section';

/** How long an old secret can go on working, seconds. Each has a text, `overlap.<seconds>`. */
export const OVERLAPS = [0, 3600, 86_400, 604_800];

interface NewSecret {
    secret: string;
    /** True where it replaces another. */
    rotated?: boolean;
    /** When the old one stops working, RFC 3339. */
    previousUntil?: string | undefined;
}

/** POST: replaces the secret of one of the member's applications. */
export async function rotateAppSecret(visit: Visit): Promise<ResponseObject> {
    const { account, form, pages, redirect, request } = visit;
    const id = idOf(visit);
    if (pages.spentForms.isSpent(request, form)) {
        return redirect(`${myAppsPath(pages)}/${id}`, 'repeated');
    }
    const overlap = Number(form.get('overlap_seconds'));
    if (!OVERLAPS.includes(overlap)) {
        throw new PageError('error.malformed', 400);
    }
    const rotated = await rotateSecret(pages.context, account, id, overlap);
    const response = showSecret(visit, rotated.client, {
        secret: rotated.client_secret,
        rotated: true,
        previousUntil: rotated.previous_secret_expires_at
    });
    return pages.spentForms.spend(response, form);
}

/** The only page that shows a secret. */
export function showSecret({ pages, view }: Visit, client: ClientDescription, shown: NewSecret): ResponseObject {
    return view('secret', {
        title: pages.settings.strings['secret.title'],
        ...MY_APPS,
        client,
        ...shown,
        path: `${myAppsPath(pages)}/${client.id}`
    });
}
