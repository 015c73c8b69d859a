import { splitNames } from '../../scopes/text';
import type { Token } from '../../store/token-list';
import type { PagesContext } from '../pages-context';
import { scopeModel } from '../view/scope-model';
import { accountPath, adminPath } from './section';

/**
 * A refresh token as administrators see it.
 *
 * @param back the page to return to after it is revoked
 */
export function sessionModel(pages: PagesContext, token: Token, back: string): object {
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
