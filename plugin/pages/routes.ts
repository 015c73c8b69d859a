import { confirmApplicationDeletion, deleteApplication, reviewApplication, showApplication } from './admin/application';
import { showApplications } from './admin/applications';
import { showDevices } from './admin/devices';
import { forAdministrators } from './admin/section';
import { revokeAnySession, showSessions } from './admin/sessions';
import { decideAuthorization, showAuthorization } from './consent/authorize';
import { readOrDecideDevice, showDevice } from './consent/device';
import type { PagePaths } from './options';
import type { Page } from './request/page-route';
import { disconnectApp, revokeSession, showConnectedApps } from './settings/connected-apps';
import { confirmMyAppDeletion, deleteMyApp, saveMyApp, showMyApp } from './settings/my-app';
import { showMyApps } from './settings/my-apps';
import { createApp, showNewApp } from './settings/new-app';
import { rotateAppSecret } from './settings/secret';

/** The pages below each path of the option `paths`. */
const PAGES: Record<Exclude<keyof PagePaths, 'assets'>, (path: string) => Page[]> = {
    device: (path) => [
        { method: 'GET', path, handler: showDevice },
        { method: 'POST', path, handler: readOrDecideDevice }
    ],
    authorize: (path) => [
        { method: 'GET', path, handler: showAuthorization },
        { method: 'POST', path, handler: decideAuthorization }
    ],
    connectedApps: (path) => [
        { method: 'GET', path, handler: showConnectedApps },
        { method: 'POST', path: `${path}/{id}/disconnect`, handler: disconnectApp, after: path },
        { method: 'POST', path: `${path}/sessions/{id}/disconnect`, handler: revokeSession, after: path }
    ],
    myApps: (path) => [
        { method: 'GET', path, handler: showMyApps },
        { method: 'GET', path: `${path}/new`, handler: showNewApp },
        { method: 'POST', path: `${path}/new`, handler: createApp },
        { method: 'GET', path: `${path}/{id}`, handler: showMyApp },
        { method: 'POST', path: `${path}/{id}`, handler: saveMyApp },
        { method: 'POST', path: `${path}/{id}/secret`, handler: rotateAppSecret, after: path },
        { method: 'GET', path: `${path}/{id}/delete`, handler: confirmMyAppDeletion },
        { method: 'POST', path: `${path}/{id}/delete`, handler: deleteMyApp }
    ],
    admin: (path) =>
        forAdministrators([
            { method: 'GET', path, handler: showApplications },
            { method: 'GET', path: `${path}/{id}`, handler: showApplication },
            { method: 'POST', path: `${path}/{id}/review`, handler: reviewApplication, after: path },
            { method: 'GET', path: `${path}/{id}/delete`, handler: confirmApplicationDeletion },
            { method: 'POST', path: `${path}/{id}/delete`, handler: deleteApplication },
            { method: 'GET', path: `${path}/devices`, handler: showDevices },
            { method: 'GET', path: `${path}/tokens`, handler: showSessions },
            { method: 'POST', path: `${path}/tokens/{id}/end`, handler: revokeAnySession, after: `${path}/tokens` }
        ])
};

/** All pages but those that are left out. */
export function pagesAt(paths: PagePaths): Page[] {
    return Object.entries(PAGES).flatMap(([name, create]) => {
        const path = paths[name as keyof typeof PAGES];
        return path === false ? [] : create(path);
    });
}
