import { splitNames } from '../../scopes/text';
import { findClientRows } from '../../store/clients';
import type { Token } from '../../store/token-list';
import type { PagesContext } from '../pages-context';
import { ownerModels } from '../view/owner-model';
import { scopeModel } from '../view/scope-model';
import { accountPath, adminPath } from './section';

/**
 * Refresh tokens as administrators see them.
 *
 * @param back the page to return to after one is revoked
 */
export async function sessionModels(pages: PagesContext, tokens: Token[], back: string): Promise<object[]> {
    const clients = await findClientRows(
        pages.context.database,
        tokens.map(({ oauth_client_id: id }) => id)
    );
    const owned = tokens.map(({ oauth_client_id: id }) => {
        const row = clients.get(id);
        return { source: row?.source ?? ('member' as const), ownerId: row?.accountId ?? null };
    });
    const owners = await ownerModels(pages, owned);
    return tokens.map((token, place) => ({ ...sessionModel(pages, token, back), by: owners[place] }));
}

function sessionModel(pages: PagesContext, token: Token, back: string): object {
    const path = adminPath(pages);
    const state = stateOf(token, pages.context.clock());
    return {
        ...token,
        state: `state.${state}`,
        live: state === 'active',
        can: splitNames(token.scope).map((scope) => scopeModel(pages, scope)),
        clientPath: `${path}/${token.oauth_client_id}`,
        accountPath: accountPath(pages, token.account_id),
        end: `${path}/tokens/${token.id}/end`,
        back
    };
}

function stateOf(token: Token, now: number): 'superseded' | 'revoked' | 'expired' | 'active' {
    if (token.replaced_by_token_id !== undefined) {
        return 'superseded';
    }
    if (token.revoked_at !== undefined) {
        return 'revoked';
    }
    return Date.parse(token.expires_at) <= now ? 'expired' : 'active';
}
