import * as Boom from '@hapi/boom';
import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { basic, CLI, DEVICE_CODE, Forum, FRIGG, type Answer } from '../support/forum';
import { useDatabase, useForum } from '../support/setup';

const lab = Lab.script();
export { lab };
const { describe, it } = lab;

describe('the token endpoint', () => {
    const database = useDatabase(lab);
    const forum = useForum(lab, { database });

    const isError = (answer: Answer, error: string, status = 400): void => {
        expect(answer.body?.error, answer.text).to.equal(error);
        expect(answer.status).to.equal(status);
        expect(Object.keys(answer.body as object)).to.equal(['error', 'error_description']);
        // RFC 6749 §5.2 allows no other characters.
        expect(answer.body.error_description).to.match(/^[\x20\x21\x23-\x5b\x5d-\x7e]+$/);
        expect(answer.headers['content-type']).to.match(/^application\/json/);
        expect(answer.headers['cache-control']).to.equal('no-store');
        expect(answer.headers.pragma).to.equal('no-cache');
    };

    it('needs a grant type', async () => {
        isError(await forum.token({ client_id: CLI.client_id }), 'invalid_request');
        isError(await forum.token({ client_id: CLI.client_id, grant_type: '' }), 'invalid_request');
    });

    it('refuses other grant types', async () => {
        for (const grantType of [
            'password',
            'implicit',
            'device_code',
            'CLIENT_CREDENTIALS',
            'urn:ietf:params:oauth:grant-type:jwt-bearer',
            'constructor',
            '__proto__',
            '\0'
        ]) {
            isError(await forum.token({ client_id: CLI.client_id, grant_type: grantType }), 'unsupported_grant_type');
        }
    });

    it('supports the grant types that discovery lists', async () => {
        const { body } = await forum.as(null, 'GET', '/.well-known/openid-configuration');
        for (const grantType of body.grant_types_supported as string[]) {
            const answer = await forum.token({ client_id: CLI.client_id, grant_type: grantType });
            expect(answer.body.error, grantType).to.not.equal('unsupported_grant_type');
        }
        expect(body.grant_types_supported).to.include([DEVICE_CODE, 'refresh_token', 'client_credentials']);
    });

    it('refuses a repeated parameter, known or unknown, with the same value or another', async () => {
        const form = `grant_type=refresh_token&client_id=${CLI.client_id}&refresh_token=x`;
        for (const more of [
            'client_id=storyden-cli',
            'grant_type=refresh_token',
            'refresh_token=y',
            'a=1&a=1',
            'client_id='
        ]) {
            isError(await forum.form('/oauth/token', `${form}&${more}`), 'invalid_request');
        }
        // The same name in another encoding.
        isError(await forum.form('/oauth/token', `${form}&client%5fid=x`), 'invalid_request');
    });

    it('ignores parameters that it does not know', async () => {
        const { client, client_secret: secret } = await forum.createClient(FRIGG);
        const { status } = await forum.token(
            { grant_type: 'client_credentials', foo: 'bar', username: 'x', nonce: 'y', __proto__x: 'z' },
            basic(client.client_id, secret)
        );
        expect(status).to.equal(200);
        const odd = 'grant_type=client_credentials&__proto__=1&constructor=2&toString&=&&a';
        expect((await forum.form('/oauth/token', odd, basic(client.client_id, secret))).status).to.equal(200);
    });

    it('does not read its query', async () => {
        const { client, client_secret: secret } = await forum.createClient(FRIGG);
        const query = new URLSearchParams({
            grant_type: 'client_credentials',
            client_id: client.client_id,
            client_secret: secret
        }).toString();
        isError(await forum.form(`/oauth/token?${query}`, ''), 'invalid_request');
        isError(await forum.form(`/oauth/token?${query}`, 'grant_type=client_credentials'), 'invalid_client', 401);
        // Nor does a query make it fail.
        const answer = await forum.form(
            '/oauth/token?grant_type=x&grant_type=y&scope=nonsense',
            'grant_type=client_credentials',
            basic(client.client_id, secret)
        );
        expect(answer.status).to.equal(200);
    });

    it('accepts a form with any charset parameter and in any case', async () => {
        const { client, client_secret: secret } = await forum.createClient(FRIGG);
        for (const type of [
            'application/x-www-form-urlencoded; charset=utf-8',
            'application/x-www-form-urlencoded;charset=ISO-8859-1',
            'application/x-www-form-urlencoded ; charset="UTF-16"; foo=bar',
            'Application/X-WWW-Form-Urlencoded'
        ]) {
            const answer = await forum.form('/oauth/token', 'grant_type=client_credentials', {
                ...basic(client.client_id, secret),
                'content-type': type
            });
            expect(answer.status, type).to.equal(200);
        }
    });

    it('reads no cookie, however malformed', async () => {
        const { client, client_secret: secret } = await forum.createClient(FRIGG);
        const answer = await forum.token(
            { grant_type: 'client_credentials' },
            { ...basic(client.client_id, secret), cookie: 'session="; \x01=;;; a=b=c' }
        );
        expect(answer.status, answer.text).to.equal(200);
        expect(answer.headers).to.not.include('set-cookie');
    });

    it('allows any origin, for errors and preflights too', async () => {
        const origin = 'https://elsewhere.example';
        const failed = await forum.token({ grant_type: 'client_credentials' }, { origin, ...basic('nobody', 'x') });
        isError(failed, 'invalid_client', 401);
        expect(failed.headers['access-control-allow-origin']).to.match(/^(\*|https:\/\/elsewhere\.example)$/);
        expect(failed.headers).to.not.include('access-control-allow-credentials');
        expect(failed.headers['access-control-expose-headers']).to.match(/WWW-Authenticate/i);
        expect(failed.headers['access-control-expose-headers']).to.match(/Retry-After/i);

        const preflight = await forum.as(null, 'OPTIONS', '/oauth/token', undefined, {
            origin,
            'access-control-request-method': 'POST',
            'access-control-request-headers': 'authorization, content-type'
        });
        expect(preflight.status).to.be.within(200, 204);
        expect(preflight.headers['access-control-allow-origin']).to.match(/^(\*|https:\/\/elsewhere\.example)$/);
        expect(preflight.headers['access-control-allow-headers']).to.match(/Authorization/i);
        expect(preflight.headers['access-control-allow-headers']).to.match(/Content-Type/i);
        expect(preflight.headers['access-control-allow-methods']).to.match(/POST/);
    });

    it('reveals nothing about an internal failure', async () => {
        const broken = await Forum.create(database.dataSource, {
            accounts: { find: () => Promise.reject(new Error('SELECT secret FROM accounts')) }
        });
        const { client, client_secret: secret } = await forum.createClient(FRIGG);
        const answer = await broken.token({ grant_type: 'client_credentials' }, basic(client.client_id, secret));
        isError(answer, 'server_error', 500);
        expect(answer.text).to.not.include('SELECT');
        expect(answer.text).to.not.include('accounts');
        // The host can see it in the log.
        expect(broken.log.join('\n')).to.include('SELECT secret FROM accounts');
        await broken.stop();
    });

    it('responds 500 when accounts.find rejects with a status of its own', async () => {
        const { client, client_secret: secret } = await forum.createClient(FRIGG);
        for (const failure of [Boom.notFound('No such row'), Boom.unauthorized('Bad API key'), Boom.badRequest()]) {
            const broken = await Forum.create(database.dataSource, {
                accounts: { find: () => Promise.reject(failure) }
            });
            const answer = await broken.token({ grant_type: 'client_credentials' }, basic(client.client_id, secret));
            isError(answer, 'server_error', 500);
            const listed = await broken.as(FRIGG, 'GET', '/auth/oauth/clients');
            expect([listed.status, listed.body.error]).to.equal([500, 'internal_error']);
            expect(broken.log.join('\n')).to.include(failure.message);
            await broken.stop();
        }
    });

    it('responds 500 when accounts.find returns something that is not an account', async () => {
        const { client, client_secret: secret } = await forum.createClient(FRIGG);
        for (const account of [{}, { id: FRIGG }, { id: 7, permissions: [] }, { id: FRIGG, permissions: 'ALL' }]) {
            const broken = await Forum.create(database.dataSource, {
                accounts: { find: () => Promise.resolve(account as never) }
            });
            const answer = await broken.token({ grant_type: 'client_credentials' }, basic(client.client_id, secret));
            isError(answer, 'server_error', 500);
            await broken.stop();
        }
    });
});
