import type { ResponseObject } from '@hapi/hapi';
import type { ClientDescription } from '../../clients/describe';
import { deleteClient, getClient, updateClient } from '../../clients/member-clients';
import { mayManageClients } from '../../policy';
import { idOf, type Visit } from '../request/visit';
import { grantsModel, initialOf } from '../view/client-model';
import { scopeModel } from '../view/scope-model';
import { changeOf, formOf, readClientForm, type ClientForm } from './client-form';
import { errorModel, fieldError, type FieldError } from './field-error';
import { MY_APPS, myAppsPath } from './my-apps-section';
import { scopeChoices } from './scope-choices';
import { OVERLAPS } from './secret';

/** GET: one of the member's applications. */
export async function showMyApp(visit: Visit): Promise<ResponseObject> {
    const client = await clientOf(visit);
    return showApp(visit, client, formOf(client));
}

/** POST: changes the application. */
export async function saveMyApp(visit: Visit): Promise<ResponseObject> {
    const { account, form, pages, redirect } = visit;
    const client = await clientOf(visit);
    const entered = readClientForm(form);
    try {
        await updateClient(pages.context, account, client.id, changeOf(client, entered));
        return redirect(`${myAppsPath(pages)}/${client.id}`, 'saved');
    } catch (error) {
        return showApp(visit, client, entered, fieldError(visit, error));
    }
}

/** GET: asks for confirmation. */
export async function confirmMyAppDeletion(visit: Visit): Promise<ResponseObject> {
    const client = await clientOf(visit);
    return visit.view('delete-app', {
        title: visit.pages.settings.strings['delete.title'],
        ...MY_APPS,
        client,
        back: `${myAppsPath(visit.pages)}/${client.id}`
    });
}

/** POST: deletes the application. */
export async function deleteMyApp(visit: Visit): Promise<ResponseObject> {
    const { account, pages, redirect } = visit;
    await deleteClient(pages.context, account, idOf(visit));
    return redirect(myAppsPath(pages), 'deleted');
}

function clientOf(visit: Visit): Promise<ClientDescription> {
    return getClient(visit.pages.context, visit.account.id, idOf(visit));
}

type Entered = Pick<ClientForm, 'name' | 'redirectUris' | 'scopes' | 'staysConnected'>;

function showApp(visit: Visit, client: ClientDescription, entered: Entered, error?: FieldError): ResponseObject {
    const { account, pages, view } = visit;
    const path = myAppsPath(pages);
    const grants = grantsModel(client.allowed_grants);
    const choices = scopeChoices(visit, entered.scopes);
    const offered = [...choices.standard, ...choices.permissions].map(({ scope }) => scope);
    const lost = client.allowed_scopes.filter((scope) => scope !== 'offline_access' && !offered.includes(scope));
    return view(
        'my-app',
        {
            title: pages.settings.strings['app.title'],
            ...MY_APPS,
            client: { ...client, initial: initialOf(client.name) },
            editable: mayManageClients(pages.context, account),
            entered,
            grants,
            scopes: { ...choices, standard: grants.code || grants.device ? choices.standard : [] },
            lost: lost.map((scope) => scopeModel(pages, scope)),
            confidential: client.type === 'confidential',
            suspended: client.status === 'suspended',
            rotatable: client.type === 'confidential' && client.status === 'active',
            overlaps: OVERLAPS.map((seconds) => ({ seconds: String(seconds), key: `overlap.${seconds}` })),
            formId: pages.spentForms.newId(),
            path: `${path}/${client.id}`,
            back: path,
            ...errorModel(error)
        },
        error ? 400 : 200
    );
}
