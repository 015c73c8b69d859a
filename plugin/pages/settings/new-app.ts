import type { ResponseObject } from '@hapi/hapi';
import { DEVICE_CODE_GRANT } from '../../clients/grant-rules';
import { createClient } from '../../clients/member-clients';
import { PageError } from '../request/page-error';
import type { Visit } from '../request/visit';
import { grantsModel } from '../view/client-model';
import { EMPTY_FORM, newClientOf, readClientForm, type ClientForm } from './client-form';
import { errorModel, fieldError, type FieldError } from './field-error';
import { checkMayManage, MY_APPS, myAppsPath } from './my-apps-section';
import { scopeChoices } from './scope-choices';
import { showSecret } from './secret';

/** GET: an empty form. */
export async function showNewApp(visit: Visit): Promise<ResponseObject> {
    checkMayManage(visit);
    return showForm(visit, EMPTY_FORM);
}

/** POST: creates the application and, where it has a secret, shows it this once. */
export async function createApp(visit: Visit): Promise<ResponseObject> {
    checkMayManage(visit);
    const { account, form, pages, redirect, request } = visit;
    const path = myAppsPath(pages);
    if (pages.spentForms.isSpent(request, form)) {
        return redirect(path, 'repeated');
    }
    const entered = readClientForm(form);
    checkType(entered);
    try {
        const { client, client_secret: secret } = await createClient(pages.context, account, newClientOf(entered));
        const response =
            secret === undefined ? redirect(`${path}/${client.id}`, 'created') : showSecret(visit, client, { secret });
        return pages.spentForms.spend(response, form);
    } catch (error) {
        return showForm(visit, entered, fieldError(visit, error));
    }
}

/** @throws PageError for a type that the form does not offer */
function checkType({ type }: ClientForm): void {
    if (type !== 'public' && type !== 'confidential') {
        throw new PageError('error.malformed', 400);
    }
}

function showForm(visit: Visit, entered: ClientForm, error?: FieldError): ResponseObject {
    const { pages, view } = visit;
    const path = myAppsPath(pages);
    return view(
        'new-app',
        {
            title: pages.settings.strings['new.title'],
            ...MY_APPS,
            path: `${path}/new`,
            back: path,
            formId: pages.spentForms.newId(),
            entered,
            confidential: entered.type === 'confidential',
            grants: grantsModel(entered.grants),
            deviceGrant: DEVICE_CODE_GRANT,
            scopes: scopeChoices(visit, entered.scopes),
            ...errorModel(error)
        },
        error ? 400 : 200
    );
}
