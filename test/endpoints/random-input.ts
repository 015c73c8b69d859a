import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import fc from 'fast-check';
import { BadInput, FORM, isManagementError, isProtocolError } from '../support/bad-input';
import { CLI, DEVICE_CODE, FRIGG } from '../support/forum';

const lab = Lab.script();
export { lab };
const { after, before, describe, it } = lab;

describe('random input', () => {
    let setting: BadInput;

    before(async () => {
        setting = await BadInput.create();
    });

    after(() => setting.done());

    it('gets a response in the shape of its endpoint, and never a 500', async () => {
        const routes: [string, string, 'management' | 'protocol'][] = [
            ['POST', '/oauth/token', 'protocol'],
            ['POST', '/oauth/device_authorization', 'protocol'],
            ['GET', '/oauth/device/consent', 'protocol'],
            ['POST', '/oauth/device/consent', 'protocol'],
            ['GET', '/auth/oauth/clients', 'management'],
            ['POST', '/auth/oauth/clients', 'management'],
            ['GET', '/auth/oauth/clients/{id}', 'management'],
            ['PATCH', '/auth/oauth/clients/{id}', 'management'],
            ['DELETE', '/auth/oauth/clients/{id}', 'management'],
            ['POST', '/auth/oauth/clients/{id}/secret', 'management'],
            ['GET', '/auth/oauth/tokens', 'management'],
            ['DELETE', '/auth/oauth/tokens/{id}', 'management'],
            ['DELETE', '/auth/oauth/tokens', 'management']
        ];
        const names = [
            ...['grant_type', 'client_id', 'client_secret', 'refresh_token', 'device_code', 'scope', 'resource'],
            ...['user_code', 'decision', 'name', 'type', 'allowed_grants', 'allowed_scopes', 'redirect_uris'],
            ...['pkce_required', 'overlap_seconds', 'page', 'status', 'oauth_client_id', '__proto__', 'toString']
        ];
        const text = fc.oneof(
            fc.constantFrom(
                CLI.client_id,
                CLI.scope,
                DEVICE_CODE,
                setting.bot.client.id,
                setting.bot.client.client_id,
                'refresh_token'
            ),
            fc.constantFrom(
                setting.bot.client_secret,
                setting.tokens.refresh_token,
                setting.approved.device_code,
                setting.claimed.user_code
            ),
            fc.constantFrom('client_credentials', 'approve', 'deny', 'public', 'confidential', 'openid', 'active', '1'),
            fc.string({ unit: 'binary', maxLength: 60 }),
            fc.string({ maxLength: 30 })
        );
        const name = fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...names) }, { weight: 1, arbitrary: text });
        const json = fc.oneof(text, fc.array(text, { maxLength: 4 }), fc.jsonValue({ maxDepth: 4 }));
        const wellFormed = (value: string): string => encodeURIComponent(value.toWellFormed());
        const pairs = fc
            .array(fc.tuple(name, text), { maxLength: 8 })
            .map((list) => list.map(([key, value]) => `${wellFormed(key)}=${wellFormed(value)}`).join('&'));
        const payload = fc.oneof(
            pairs,
            fc.dictionary(name, json, { maxKeys: 7 }).map((value) => JSON.stringify(value)),
            fc.json({ maxDepth: 5 }),
            fc.string({ unit: 'binary', maxLength: 100 }),
            fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
            fc.constant(undefined)
        );
        const request = fc.record({
            route: fc.constantFrom(...routes),
            id: fc.oneof(fc.constant(setting.bot.client.id), text),
            query: fc.oneof(fc.constant(''), pairs),
            payload,
            type: fc.constantFrom(FORM, 'application/json', 'text/plain', `${FORM};charset=x`, undefined),
            account: fc.constantFrom(FRIGG, 'odin0000000000000000', 'loki0000000000000000', 'nobody', null),
            authorization: fc.option(
                fc.oneof(
                    fc.tuple(text, text).map((pair) => `Basic ${Buffer.from(pair.join(':')).toString('base64')}`),
                    fc.string({ maxLength: 40 })
                )
            )
        });
        await fc.assert(
            fc.asyncProperty(request, async ({ route, id, query, payload: sentBody, type, account, authorization }) => {
                const [method, path, shape] = route;
                // An empty segment is another path.
                const place = path.replace('{id}', wellFormed(id) || 'x');
                const sent = await setting.send(
                    method,
                    `${place}?${query}`,
                    {
                        type,
                        ...(sentBody !== undefined && method !== 'GET' && { payload: sentBody }),
                        ...(authorization !== null && { headers: { authorization } })
                    },
                    account
                );
                expect(sent.status, sent.text).to.be.below(500);
                if (sent.status >= 400 && !place.includes('/./') && !/\/\.{1,2}$/.test(place)) {
                    (shape === 'protocol' ? isProtocolError : isManagementError)(sent, `${method} ${place}`);
                }
            }),
            { numRuns: 300, seed: 20261121 }
        );
    });
});
