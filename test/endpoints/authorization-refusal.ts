import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import {
    authorize,
    beginRequest,
    changeApp,
    createApp,
    decideRequest,
    locationOf,
    obtainCode,
    parametersOf,
    REDIRECT_URI,
    type App,
    type Changes
} from '../support/authorization';
import { FRIGG, ISSUER, LOKI, type Answer, type Forum } from '../support/forum';
import { textOf, withPages } from '../support/pages';
import { useDatabase, useForum } from '../support/setup';
import { Visitor } from '../support/visitor';

const lab = Lab.script();
export { lab };
const { after, before, describe, it } = lab;

const FRAMES = ['iframe', 'frame', 'embed', 'object', 'fencedframe'];

describe('an error of an authorization request', () => {
    const database = useDatabase(lab);
    // A client with a metadata document counts as suspended while the option is off.
    const forum = useForum(lab, { database, options: { clientMetadataDocuments: {} } });

    /** An application that a member made, and nobody vouches for. */
    const unverified = async (): Promise<App> => {
        const app = await createApp(forum);
        await changeApp(forum.dataSource, app, { verified: false });
        return app;
    };

    function expectShown(answer: Answer, error: string): void {
        expect([answer.status, answer.headers.location]).to.equal([400, undefined]);
        expect(Object.keys(answer.body as object)).to.equal(['error', 'error_description', 'location']);
        expect(answer.body.error).to.equal(error);
        const location = new URL(answer.body.location);
        expect(location.origin + location.pathname).to.equal(REDIRECT_URI);
        expect(location.searchParams.get('error')).to.equal(error);
        expect(answer.headers['cache-control']).to.equal('no-store');
    }

    function expectRedirected(answer: Answer, error: string): void {
        const location = new URL(locationOf(answer));
        expect(location.origin + location.pathname).to.equal(REDIRECT_URI);
        expect(location.searchParams.get('error')).to.equal(error);
    }

    it('is shown, not redirected, to an application that anybody could have made', async () => {
        for (const source of ['member', 'self_registered', 'metadata_document'] as const) {
            const app = await unverified();
            await changeApp(forum.dataSource, app, { source });
            const ask = (account: string | null, changes: Changes): Promise<Answer> =>
                authorize(forum, account, parametersOf(app, changes));
            expectShown(await ask(FRIGG, { response_type: 'token' }), 'unsupported_response_type');
            expectShown(await ask(FRIGG, { scope: 'NO_SUCH' }), 'invalid_scope');
            expectShown(await ask(LOKI, {}), 'access_denied');
            // Nobody learns by it who is signed in.
            expectShown(await ask(FRIGG, { prompt: 'none' }), 'consent_required');
            expectShown(await ask(null, { prompt: 'none' }), 'login_required');
        }
    });

    it('is redirected to an application that the forum vouches for, or an administrator made', async () => {
        const app = await unverified();
        for (const change of [{ verified: true }, { verified: false, source: 'administrator' as const }]) {
            await changeApp(forum.dataSource, app, change);
            const wrong = await authorize(forum, FRIGG, parametersOf(app, { response_type: 'token' }));
            expectRedirected(wrong, 'unsupported_response_type');
            expectRedirected(await authorize(forum, null, parametersOf(app, { prompt: 'none' })), 'login_required');
        }
    });

    it('is redirected once the account has approved the application, and a denial always is', async () => {
        const app = await unverified();
        const wrong = parametersOf(app, { response_type: 'token' });
        const denied = await decideRequest(forum, FRIGG, await beginRequest(forum, app), 'deny');
        expect(new URL(denied.body.location).searchParams.get('error')).to.equal('access_denied');
        expectShown(await authorize(forum, FRIGG, wrong), 'unsupported_response_type');
        await obtainCode(forum, app);
        expectRedirected(await authorize(forum, FRIGG, wrong), 'unsupported_response_type');
        expectShown(await authorize(forum, forum.addAccount(), wrong), 'unsupported_response_type');
        expectShown(await authorize(forum, null, parametersOf(app, { prompt: 'none' })), 'login_required');
    });

    it('in a frame is redirected for prompt=none only, and is the same whoever is signed in', async () => {
        const known = await createApp(forum);
        for (const app of [known, await unverified()]) {
            for (const destination of FRAMES) {
                const ask = (account: string | null, changes: Changes): Promise<Answer> =>
                    authorize(forum, account, parametersOf(app, changes), { 'sec-fetch-dest': destination });
                for (const account of [FRIGG, LOKI, null]) {
                    expectRedirected(await ask(account, { prompt: 'none' }), 'login_required');
                    expectRedirected(await ask(account, { prompt: 'none', scope: 'NO_SUCH' }), 'login_required');
                }
                expectShown(await ask(FRIGG, { response_type: 'token' }), 'unsupported_response_type');
            }
        }
    });

    describe('with the pages', () => {
        let other: Forum;

        before(async () => {
            other = await withPages(database);
        });

        after(() => other.stop());

        it('is a page that names the host and leads there by a link', async () => {
            const app = await unverified();
            const query = new URLSearchParams(parametersOf(app, { response_type: 'token', state: '"><script>' }));
            const shown = await new Visitor(other.server, FRIGG).get(`/api/oauth/authorize?${query.toString()}`);
            expect(shown.status).to.equal(400);
            expect(textOf(shown)).to.contain(['Something went wrong', 'app.example', 'Continue to']);
            expect(shown.html).not.to.contain('"><script>');
            const [, link] = /href="(https:\/\/app\.example[^"]*)"/.exec(shown.html)!;
            const location = new URL(link!.replaceAll('&amp;', '&').replaceAll('&#x3D;', '='));
            expect(location.searchParams.get('error')).to.equal('unsupported_response_type');
            expect(location.searchParams.get('iss')).to.equal(ISSUER);
            expect(shown.html).not.to.contain('http-equiv="refresh"');
            expect(String(shown.headers['content-security-policy'])).to.contain("frame-ancestors 'none'");
            expect(shown.headers['cache-control']).to.equal('no-store');
            expect(shown.headers['referrer-policy']).to.equal('no-referrer');
        });
    });
});
