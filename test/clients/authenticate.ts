import { createHash } from 'node:crypto';
import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { basic, CLI, DEVICE_CODE, FRIGG, ODIN, unique, type Answer } from '../support/forum';
import { useDatabase, useForum } from '../support/setup';

const lab = Lab.script();
export { lab };
const { before, describe, it } = lab;

const GRANT = { grant_type: 'client_credentials' };

const encoded = (pair: string | Buffer): Record<string, string> => ({
    authorization: `Basic ${Buffer.from(pair).toString('base64')}`
});

describe('client authentication', () => {
    const database = useDatabase(lab);
    const forum = useForum(lab, { database });
    let id: string;
    let secret: string;

    before(async () => {
        const created = await forum.createClient(FRIGG);
        id = created.client.client_id;
        secret = created.client_secret;
    });

    const isInvalidClient = (answer: Answer, challenge: boolean): void => {
        expect(answer.status, answer.text).to.equal(401);
        expect(answer.body).to.equal({
            error: 'invalid_client',
            error_description: 'Client authentication failed: unknown client, or wrong or missing secret'
        });
        expect(answer.headers['cache-control']).to.equal('no-store');
        expect(answer.headers.pragma).to.equal('no-cache');
        if (challenge) {
            expect(answer.headers['www-authenticate']).to.match(/^Basic realm="[^"]+"$/);
        } else {
            expect(answer.headers).to.not.include('www-authenticate');
        }
    };

    const isInvalidRequest = (answer: Answer): void => {
        expect(answer.status, answer.text).to.equal(400);
        expect(answer.body.error).to.equal('invalid_request');
        expect(answer.headers).to.not.include('www-authenticate');
    };

    it('works by the Authorization header', async () => {
        expect((await forum.token(GRANT, basic(id, secret))).status).to.equal(200);
    });

    it('works by the form', async () => {
        expect((await forum.token({ ...GRANT, client_id: id, client_secret: secret })).status).to.equal(200);
    });

    it('accepts the scheme name in upper and lower case', async () => {
        for (const scheme of ['basic', 'BASIC', 'bAsIc']) {
            const authorization = basic(id, secret).authorization!.replace('Basic', scheme);
            expect((await forum.token(GRANT, { authorization })).status, scheme).to.equal(200);
        }
    });

    it('accepts the same client_id beside the header, and no other', async () => {
        expect((await forum.token({ ...GRANT, client_id: id }, basic(id, secret))).status).to.equal(200);
        expect((await forum.token({ ...GRANT, client_id: '' }, basic(id, secret))).status).to.equal(200);
        isInvalidRequest(await forum.token({ ...GRANT, client_id: CLI.client_id }, basic(id, secret)));
        isInvalidRequest(await forum.token({ ...GRANT, client_id: `${id} ` }, basic(id, secret)));
    });

    it('refuses two methods at once', async () => {
        const both = { ...GRANT, client_id: id, client_secret: secret };
        isInvalidRequest(await forum.token(both, basic(id, secret)));
        isInvalidRequest(await forum.token({ ...GRANT, client_secret: secret }, basic(id, secret)));
        isInvalidRequest(await forum.token({ ...GRANT, client_secret: 'wrong' }, basic(id, 'wrong')));
        isInvalidRequest(await forum.token(both, { authorization: 'Basic nonsense' }));
        // An empty one counts as omitted.
        expect((await forum.token({ ...GRANT, client_secret: '' }, basic(id, secret))).status).to.equal(200);
    });

    it('form-decodes both parts of the header', async () => {
        const percent = (text: string): string =>
            [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
        expect((await forum.token(GRANT, encoded(`${percent(id)}:${percent(secret)}`))).status).to.equal(200);
        expect((await forum.token(GRANT, encoded(`${id}:${percent(secret).toUpperCase()}`))).status).to.equal(200);

        // A secret with every character that form encoding changes.
        const odd = await forum.createClient(FRIGG);
        const text = 'a b+c%d:e&f=g/ö"';
        await database.dataSource.query('UPDATE oauth_clients SET secret_hash = ? WHERE id = ?', [
            createHash('sha256').update(text).digest('hex'),
            odd.client.id
        ]);
        const form = new URLSearchParams({ secret: text }).toString().slice('secret='.length);
        expect((await forum.token(GRANT, encoded(`${odd.client.client_id}:${form}`))).status).to.equal(200);
        const escaped = encodeURIComponent(text);
        expect((await forum.token(GRANT, encoded(`${odd.client.client_id}:${escaped}`))).status).to.equal(200);
        const byForm = await forum.token({ ...GRANT, client_id: odd.client.client_id, client_secret: text });
        expect(byForm.status).to.equal(200);
        // Sent without encoding, its plus is read as a space, and its percent sign starts no valid escape.
        isInvalidClient(await forum.token(GRANT, encoded(`${odd.client.client_id}:${text}`)), true);
    });

    it('fails with a challenge for every header without credentials', async () => {
        const headers: Record<string, string>[] = [
            { authorization: '' },
            { authorization: 'Basic' },
            { authorization: 'Basic ' },
            { authorization: 'Basic !!!' },
            { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')} x` },
            { authorization: `Bearer ${secret}` },
            { authorization: `Digest username="${id}"` },
            { authorization: secret },
            { authorization: `Basic ${'A'.repeat(8000)}` },
            encoded(id),
            encoded(''),
            encoded(':'),
            encoded(`:${secret}`),
            encoded(`${id}:%zz`),
            encoded(`${id}:%ff%fe`),
            encoded(`${id}:%`),
            encoded(`%c3%28:${secret}`),
            encoded(Buffer.from([0xff, 0xfe, 0x3a, 0x41])),
            encoded(`${id}\0:${secret}`),
            encoded(`${id}%00:${secret}`),
            encoded(`${id}:${secret}\0`),
            encoded(`${id}:${secret}\n`)
        ];
        for (const each of headers) {
            const answer = await forum.token(GRANT, each);
            expect(answer.body?.error, each.authorization).to.equal('invalid_client');
            isInvalidClient(answer, true);
        }
    });

    it('fails in the same way for an unknown client and for a wrong or missing secret', async () => {
        const attempts: [string, string][] = [
            [id, 'wrong'],
            [id, ''],
            [id, secret.slice(0, -1)],
            [id, `${secret} `],
            [id, secret.toUpperCase()],
            [id.toUpperCase(), secret],
            [`${id} `, secret],
            [unique('sdoak_'), secret],
            ['x'.repeat(10_000), secret],
            [id, 'x'.repeat(10_000)],
            [id, '\0']
        ];
        for (const [clientId, clientSecret] of attempts) {
            const fields = {
                ...GRANT,
                client_id: clientId,
                ...(clientSecret !== '' && { client_secret: clientSecret })
            };
            isInvalidClient(await forum.token(fields), false);
            isInvalidClient(await forum.token(GRANT, basic(clientId, clientSecret)), true);
        }
        isInvalidClient(await forum.token(GRANT), false);
        isInvalidClient(await forum.token({ ...GRANT, client_secret: secret }), false);
    });

    it('does not accept the hash of a secret', async () => {
        const [row] = await database.dataSource.query('SELECT secret_hash FROM oauth_clients WHERE client_id = ?', [
            id
        ]);
        isInvalidClient(await forum.token(GRANT, basic(id, row.secret_hash as string)), true);
    });

    it('accepts no missing secret, even where the hash of an empty one is stored', async () => {
        const name = unique('bot');
        const created = await forum.as(ODIN, 'POST', '/admin/oauth/clients', {
            name,
            client_id: name,
            account_id: FRIGG,
            type: 'confidential',
            allowed_grants: ['client_credentials'],
            allowed_scopes: [],
            client_secret_hash: createHash('sha256').digest('hex')
        });
        expect(created.status, created.text).to.equal(200);
        isInvalidClient(await forum.token({ ...GRANT, client_id: name }), false);
        isInvalidClient(await forum.token({ ...GRANT, client_id: name, client_secret: '' }), false);
        isInvalidClient(await forum.token(GRANT, basic(name, '')), true);
    });

    it('needs only the client_id of a public client', async () => {
        const device = await forum.device();
        const fields = { grant_type: DEVICE_CODE, device_code: device.device_code };
        isInvalidClient(await forum.token({ ...fields, client_id: CLI.client_id, client_secret: 'x' }), false);
        isInvalidClient(await forum.token(fields, basic(CLI.client_id, 'x')), true);
        isInvalidClient(await forum.token(fields, basic(CLI.client_id, '')), true);
        const alone = await forum.token({ ...fields, client_id: CLI.client_id, client_secret: '' });
        expect(alone.body.error).to.equal('authorization_pending');
    });

    it('fails for a deleted client', async () => {
        const { client, client_secret: own } = await forum.createClient(FRIGG);
        expect((await forum.token(GRANT, basic(client.client_id, own))).status).to.equal(200);
        await forum.as(FRIGG, 'DELETE', `/auth/oauth/clients/${client.id}`);
        isInvalidClient(await forum.token(GRANT, basic(client.client_id, own)), true);
    });

    it('comes before the grant type, and before any code or token is touched', async () => {
        isInvalidClient(await forum.token({ grant_type: 'nonsense' }, basic(id, 'wrong')), true);
        const device = await forum.device();
        await forum.decide(FRIGG, device.user_code);
        const wrong = { grant_type: DEVICE_CODE, device_code: device.device_code, client_id: CLI.client_id };
        isInvalidClient(await forum.token({ ...wrong, client_secret: 'x' }), false);
        const tokens = await forum.token(wrong);
        expect(tokens.status).to.equal(200);
        const refreshToken = tokens.body.refresh_token as string;
        isInvalidClient(await forum.refresh(refreshToken, { client_secret: 'x' }), false);
        isInvalidClient(
            await forum.token({ grant_type: 'refresh_token', refresh_token: refreshToken }, basic(id, 'wrong')),
            true
        );
        isInvalidClient(await forum.refresh('nonsense', { client_secret: 'x' }), false);
        const [family] = await database.dataSource.query(
            'SELECT COUNT(*) AS n FROM oauth_refresh_tokens t JOIN oauth_grants g ON g.id = t.grant_id WHERE g.account_id = ? AND g.ended_at IS NULL',
            [FRIGG]
        );
        expect(Number(family.n)).to.equal(1);
        expect((await forum.refresh(refreshToken)).status).to.equal(200);
    });

    it('accepts both secrets during an overlap, and only the new one after it', async () => {
        const { client, client_secret: first } = await forum.createClient(FRIGG);
        const works = async (each: string): Promise<boolean> => {
            const byHeader = await forum.token(GRANT, basic(client.client_id, each));
            const byForm = await forum.token({ ...GRANT, client_id: client.client_id, client_secret: each });
            expect(byForm.status).to.equal(byHeader.status);
            return byHeader.status === 200;
        };
        const rotate = async (overlap?: number): Promise<Answer['body']> => {
            const { status, body } = await forum.as(
                FRIGG,
                'POST',
                `/auth/oauth/clients/${client.id}/secret`,
                overlap === undefined ? undefined : { overlap_seconds: overlap }
            );
            expect(status).to.equal(200);
            return body;
        };

        const second = await rotate(60);
        expect(second.previous_secret_expires_at).to.equal(new Date(forum.now + 60_000).toISOString());
        expect([await works(first), await works(second.client_secret as string)]).to.equal([true, true]);
        forum.pass(59.999);
        expect([await works(first), await works(second.client_secret as string)]).to.equal([true, true]);
        forum.pass(0.001);
        expect([await works(first), await works(second.client_secret as string)]).to.equal([false, true]);

        // A second rotation during an overlap drops the oldest.
        const third = await rotate(600);
        const fourth = await rotate(600);
        const all = [second, third, fourth].map((each) => each.client_secret as string);
        expect(await Promise.all(all.map(works))).to.equal([false, true, true]);

        // Without an overlap the old secrets stop working at once.
        const fifth = await rotate();
        expect(fifth).to.not.include('previous_secret_expires_at');
        all.push(fifth.client_secret as string);
        expect(await Promise.all(all.map(works))).to.equal([false, false, false, true]);
    });
});
