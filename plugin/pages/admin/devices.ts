import type { ResponseObject } from '@hapi/hapi';
import { findClientRows } from '../../store/clients';
import { listDeviceAuthorizations } from '../../store/device-authorization-list';
import type { Visit } from '../request/visit';
import { ownerModels } from '../view/owner-model';
import { pageNumber, pager } from '../view/paging';
import { accountPath, adminPath, tabs } from './section';

type Device = Awaited<ReturnType<typeof listDeviceAuthorizations>>['device_authorisations'][number];

/** GET: the devices that requested a code, newest first. */
export async function showDevices({ pages, query, view }: Visit): Promise<ResponseObject> {
    const { context, settings } = pages;
    const path = adminPath(pages);
    const list = await listDeviceAuthorizations(context.database, pageNumber(query));
    const devices = list.device_authorisations;
    const clients = await findClientRows(
        context.database,
        devices.map(({ client_id: id }) => id)
    );
    const rows = devices.map(({ client_id: id }) => clients.get(id));
    const owners = await ownerModels(
        pages,
        rows.map((row) => ({ source: row?.source ?? 'member', ownerId: row?.accountId ?? null }))
    );
    const now = context.clock();
    return view('admin-devices', {
        title: settings.strings['admin.devices.title'],
        ...tabs(pages, 'devices'),
        devices: devices.map((device, place) => ({
            ...device,
            by: owners[place],
            name: clients.get(device.client_id)?.name ?? '',
            clientPath: `${path}/${device.client_id}`,
            accountPath: device.approved_by_account_id && accountPath(pages, device.approved_by_account_id),
            state: stateOf(device, now)
        })),
        pager: pager(`${path}/devices`, query, list)
    });
}

/** The key of the text. */
function stateOf(device: Device, now: number): string {
    if (device.consumed_at) {
        return 'state.consumed';
    }
    if (device.denied_at) {
        return 'state.denied';
    }
    if (device.approved_at) {
        return 'state.approved';
    }
    return Date.parse(device.expires_at) <= now ? 'state.expired' : 'state.pending';
}
