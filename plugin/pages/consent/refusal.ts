import type { Request, ResponseObject, ResponseToolkit, Server } from '@hapi/hapi';
import type {} from '@hapi/vision';
import { setPageHeaders } from '../request/security-headers';
import type { PagesContext } from '../pages-context';
import { layoutModel } from '../view/layout';
import { redirectModel } from '../view/redirect-model';

/**
 * Shows why a request of an application cannot be granted, in place of a redirect to it. Nobody vouches for the application
 * and the person has not approved it before, so the person decides whether to go there.
 */
export function refusalPage(
    server: Server,
    pages: PagesContext
): (request: Request, h: ResponseToolkit, location: string) => Promise<ResponseObject> {
    return async (_request, h, location) => {
        const html = await server.render('refused', {
            ...layoutModel(pages, null),
            title: pages.settings.strings['error.title'],
            refusedLocation: location,
            redirect: redirectModel(location)
        });
        return setPageHeaders(h.response(html).type('text/html'));
    };
}
