import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { generate } from 'selfsigned';
import { OAuthClient } from '../../entities';
import { removeUnused } from '../../plugin';
import { authorize, createApp, decideRequest, pkce, readRequest, redeem, type App } from '../support/authorization';
import type { Answer, Forum } from '../support/forum';
import { openForum, useDatabase } from '../support/setup';

const lab = Lab.script();
export { lab };
const { after, before, describe, it } = lab;

/** How many clients the stranger registers, and how many documents it names. `STRANGERS=100000` is the whole attack. */
const STRANGERS = Number(process.env.STRANGERS ?? 400);
/** How many clients there may be of either kind. */
const MOST = Math.max(100, Math.floor(STRANGERS / 4));
const SIGN_INS = STRANGERS > 1000 ? 100 : 10;
/** How long somebody honest waits at most, milliseconds. */
const PATIENCE = 2000;
const PARALLEL = 8;
const HOUR = 60 * 60;
const REDIRECT = 'https://agent.example/cb';

describe('a stranger who makes as many clients as the forum takes', () => {
    const database = useDatabase(lab);
    let server: Server;
    let origin: string;
    let forum: Forum;
    let known: App;

    before(async () => {
        const made = await generate([{ name: 'commonName', value: 'agent.example' }], {
            algorithm: 'sha256',
            extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: '*.agent.example' }] }]
        });
        server = createServer({ key: made.private, cert: made.cert }, ({ url, headers }, response) => {
            response.writeHead(200, { 'content-type': 'application/json' });
            response.end(JSON.stringify({ client_id: `https://${headers.host}${url}`, redirect_uris: [REDIRECT] }));
        });
        server.listen(0, '127.0.0.1');
        await once(server, 'listening');
        origin = `agent.example:${(server.address() as AddressInfo).port}`;
        forum = await openForum(database, {
            issuer: 'http://localhost:3000',
            registration: { maxClients: MOST },
            clientMetadataDocuments: {
                maxClients: MOST,
                resolve: () => Promise.resolve(['127.0.0.1']),
                ca: made.cert
            },
            limits: { address: ({ headers }) => headers['x-real-ip'] as string }
        });
        known = await createApp(forum);
    });

    after(() => {
        server.close();
    });

    const from = (place: number): Record<string, string> => ({
        'x-real-ip': `10.${(place >> 16) & 255}.${(place >> 8) & 255}.${place & 255}`
    });

    const register = (headers: Record<string, string>): Promise<Answer> =>
        forum.as(
            null,
            'POST',
            '/oauth/register',
            { redirect_uris: [REDIRECT], token_endpoint_auth_method: 'none' },
            headers
        );

    /** Signs a new member in to an application. @returns whether it has tokens */
    async function signIn(clientId: string, redirectUri: string): Promise<number> {
        const account = forum.addAccount();
        const { verifier, challenge } = pkce();
        const asked = await authorize(forum, account, [
            ['response_type', 'code'],
            ['client_id', clientId],
            ['redirect_uri', redirectUri],
            ['scope', 'openid READ_PUBLISHED_THREADS'],
            ['code_challenge', challenge],
            ['code_challenge_method', 'S256']
        ]);
        const id = new URL(asked.headers.location ?? 'x:').searchParams.get('request_id') ?? '';
        await readRequest(forum, account, id);
        const { body } = await decideRequest(forum, account, id);
        const code = new URL((body.location as string | undefined) ?? 'x:').searchParams.get('code') ?? '';
        const app = { id: '', client_id: clientId, redirectUri };
        return (await redeem(forum, { app, code, redirectUri, verifier })).status;
    }

    /** What somebody honest does, and whether it took no longer than `PATIENCE`. */
    async function timely(work: () => Promise<number>): Promise<string> {
        const began = performance.now();
        const status = await work();
        const took = performance.now() - began;
        return `${status} ${took < PATIENCE ? 'in time' : `after ${Math.round(took)} ms`}`;
    }

    it('keeps nobody else from signing in', { timeout: 3_600_000 }, async () => {
        let next = 0;
        let owed = 0;
        let done = false;
        // Time passes between the honest sign-ins only: a code lives for a minute, and the attack needs hours.
        const passOwed = (): void => {
            forum.pass(owed);
            owed = 0;
        };
        const statuses = new Map<string, number>();
        const note = (kind: string, { status }: Answer): void => {
            const key = `${kind} ${status}`;
            statuses.set(key, (statuses.get(key) ?? 0) + 1);
        };
        const attack = async (): Promise<void> => {
            while (next < STRANGERS) {
                const place = next;
                next += 1;
                // As many an hour as there may be in all: later ones need the room of the first.
                owed += (2 * HOUR) / MOST;
                if (done) {
                    passOwed();
                }
                note('registration', await register(from(place >> 6)));
                note(
                    'document',
                    await authorize(forum, forum.addAccount(), [
                        ['response_type', 'code'],
                        ['client_id', `https://host-${place % 50}.${origin}/${place}`],
                        ['redirect_uri', REDIRECT]
                    ])
                );
            }
        };
        const attacks = Promise.all(Array.from({ length: PARALLEL }, attack));
        const seen: string[] = [];
        for (let times = 0; times < SIGN_INS; times += 1) {
            passOwed();
            seen.push(await timely(() => signIn(known.client_id, known.redirectUri)));
            seen.push(
                await timely(async () => {
                    const { body, status } = await register({ 'x-real-ip': `192.0.2.${times}` });
                    return status === 201 ? signIn(body.client_id as string, REDIRECT) : status;
                })
            );
            seen.push(await timely(() => signIn(`https://honest-${times}.${origin}/client`, REDIRECT)));
        }
        done = true;
        await attacks;
        expect(new Set(seen)).to.equal(new Set(['200 in time']));
        expect(seen).to.have.length(3 * SIGN_INS);
        // Nobody is told of a fault of the server.
        for (const status of statuses.keys()) {
            expect(status, [...statuses].join(' ')).to.not.match(/ 50[0-2]$/);
        }

        const rows = (source: 'self_registered' | 'metadata_document'): Promise<number> =>
            database.dataSource
                .getRepository(OAuthClient)
                .createQueryBuilder('c')
                .where('c.source = :source AND c.deleted_at IS NULL', { source })
                .getCount();
        // Requests that run at once may each find the last place free.
        expect(await rows('self_registered')).to.be.between(SIGN_INS, MOST + PARALLEL + 1);
        expect(await rows('metadata_document')).to.be.between(SIGN_INS - 1, MOST + PARALLEL + 1);

        await removeUnused(database.dataSource, { clock: () => forum.now + 8 * 24 * HOUR * 1000 });
        expect(await rows('self_registered')).to.equal(SIGN_INS);
    });
});
