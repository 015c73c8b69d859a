import Joi from 'joi';
import { CLIENT_SOURCES, CLIENT_STATUSES, type ClientSource, type ClientStatus } from '../../entities';
import { TOKEN_STATUSES, type TokenStatus } from '../store/token-list';

/** An account's id. */
export const accountId = Joi.string().max(128);

/** A client's `id` in a filter. One that no client has matches nothing. */
export const oauthClientId = Joi.string().max(64);

/** From 1. */
const page = Joi.string()
    .pattern(/^[1-9]\d{0,15}$/)
    .messages({ 'string.pattern.base': '{{#label}} must be a whole number from 1' });

/** The query of an endpoint that has none, and the body of a deletion. */
export const empty = Joi.object<Record<string, never>>({});

/** The query of a list without filters. */
export const pageQuery = Joi.object<{ page?: string }>({ page });

/** The query of a list that can be of one account. */
export const accountPageQuery = Joi.object<{ page?: string; account_id?: string }>({ page, account_id: accountId });

/** The query of the administrators' list of clients. */
export const clientQuery = Joi.object<{ page?: string; source?: ClientSource; status?: ClientStatus }>({
    page,
    source: Joi.valid(...CLIENT_SOURCES),
    status: Joi.valid(...CLIENT_STATUSES)
});

interface TokenQuery {
    page?: string;
    status?: TokenStatus;
    oauth_client_id?: string;
}

const tokenFields = { page, status: Joi.valid(...TOKEN_STATUSES), oauth_client_id: oauthClientId };

/** The query of a member's token list. */
export const tokenQuery = Joi.object<TokenQuery>(tokenFields);

/** The query of the administrators' token list. */
export const adminTokenQuery = Joi.object<TokenQuery & { account_id?: string }>({
    ...tokenFields,
    account_id: accountId
});

/** The number of a page that was asked for; 1 by default. */
export function pageNumber(query: { page?: string }): number {
    return Number(query.page ?? 1);
}
