import type { ServerRoute } from '@hapi/hapi';
import type { Context } from '../context';
import { documentRoute } from './document-route';

/** Seconds. A client that keeps the keys for longer may not know a new one. */
const MAX_AGE = 300;

/** The JWK Set with the public keys (RFC 7517 §5). */
export function jwksRoute({ keys }: Context): ServerRoute {
    return documentRoute('/oauth/jwks', MAX_AGE, keys.published);
}
