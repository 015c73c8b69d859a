import type { ClientSource } from '../../../entities';
import type { PagesContext } from '../pages-context';

/** What says who is behind an application. */
interface Owned {
    source: ClientSource;
    ownerId: string | null;
}

/** Who is behind an application: shown wherever its name is, because a name proves nothing. */
export interface OwnerModel {
    builtIn: boolean;
    /** How it made itself known, where nobody registered it. */
    selfRegistered: boolean;
    document: boolean;
    owner?: { name: string; handle: string };
}

export async function ownerModel({ context }: PagesContext, { source, ownerId }: Owned): Promise<OwnerModel> {
    const owner = ownerId === null ? null : await context.findAccount(ownerId);
    return {
        ...kindOf(source),
        ...(owner && { owner: { name: owner.name, handle: owner.handle } })
    };
}

function kindOf(source: ClientSource): Omit<OwnerModel, 'owner'> {
    return {
        builtIn: source === 'first_party',
        selfRegistered: source === 'self_registered',
        document: source === 'metadata_document'
    };
}

/** The same for the applications of a list, in their order. Each owner is looked up once. */
export async function ownerModels(pages: PagesContext, applications: Owned[]): Promise<OwnerModel[]> {
    const known = new Map<string | null, Promise<OwnerModel>>();
    return Promise.all(
        applications.map(async ({ source, ownerId }) => {
            const found = known.get(ownerId) ?? ownerModel(pages, { source, ownerId });
            known.set(ownerId, found);
            return { ...(await found), ...kindOf(source) };
        })
    );
}
