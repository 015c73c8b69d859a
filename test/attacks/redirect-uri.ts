import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { authorize, countRows, createApp, locationOf, parametersOf, type App } from '../support/authorization';
import { FRIGG, ISSUER } from '../support/forum';
import { useForum } from '../support/setup';

const lab = Lab.script();
export { lab };
const { before, describe, it } = lab;

const REGISTERED = 'https://app.example/oauth/cb';

describe('RFC 9700 §4.1, insufficient redirection URI validation', () => {
    const forum = useForum(lab);
    let app: App;

    before(async () => {
        app = await createApp(forum, { redirect_uris: [REGISTERED] });
    });

    /** However the person stands and whatever else is wrong, nobody is sent anywhere. */
    async function expectNowhere(uris: string[], of: App = app): Promise<void> {
        const rows = await countRows(forum.dataSource);
        for (const uri of uris) {
            for (const accountId of [FRIGG, null]) {
                for (const prompt of [null, 'none']) {
                    const answer = await authorize(forum, accountId, parametersOf(of, { redirect_uri: uri, prompt }));
                    expect([answer.status, answer.headers.location, answer.body?.error], uri).to.equal([
                        400,
                        undefined,
                        'invalid_request'
                    ]);
                    expect(answer.text).to.not.include('evil');
                }
            }
        }
        expect(await countRows(forum.dataSource)).to.equal(rows);
    }

    it('§4.1.1: a redirect URI that only begins as the registered one does is refused', () =>
        expectNowhere([
            `${REGISTERED}/`,
            `${REGISTERED}/evil`,
            `${REGISTERED}evil`,
            `${REGISTERED}?evil`,
            `${REGISTERED}?`,
            `${REGISTERED};evil`,
            `${REGISTERED}%00`,
            `${REGISTERED}%0d%0aSet-Cookie:x=evil`,
            `${REGISTERED}\r\nSet-Cookie: x=evil`,
            `${REGISTERED} `,
            `${REGISTERED}\0`,
            `${REGISTERED}/../../evil`,
            'https://app.example.evil.example/oauth/cb',
            'https://app.exampleevil/oauth/cb'
        ]));

    it('§4.1.1: a redirect URI that only ends as the registered one does is refused', () =>
        expectNowhere([
            'https://evil.example/https://app.example/oauth/cb',
            'https://evil.app.example/oauth/cb',
            'https://evilapp.example/oauth/cb',
            'https://evil.example?https://app.example/oauth/cb',
            'https://app.example/evil/oauth/cb',
            ` ${REGISTERED}`,
            '//app.example/oauth/cb',
            '/oauth/cb',
            'app.example/oauth/cb'
        ]));

    it('a redirect URI that hides another host behind user information is refused', () =>
        expectNowhere([
            'https://app.example@evil.example/oauth/cb',
            'https://app.example:443@evil.example/oauth/cb',
            'https://evil@app.example/oauth/cb',
            'https://@app.example/oauth/cb',
            'https://app.example\\@evil.example/oauth/cb',
            'https://app.example%40evil.example/oauth/cb',
            'https://evil.example\\.app.example/oauth/cb'
        ]));

    it('a redirect URI that is the registered one in another spelling is refused', () =>
        expectNowhere([
            'https://app.example/oauth/%63b',
            'https://app.example/oauth%2Fcb',
            'https://app.example/oauth%2fcb',
            'https://app.example%2foauth/cb',
            'https%3A%2F%2Fapp.example%2Foauth%2Fcb',
            'https://app.example/oauth/./cb',
            'https://app.example/x/../oauth/cb',
            'https://app.example/x/%2e%2e/oauth/cb',
            'https://app.example//oauth/cb',
            'https:\\\\app.example\\oauth\\cb',
            'https:/app.example/oauth/cb',
            'https:app.example/oauth/cb',
            'https://app.example:443/oauth/cb',
            'https://app.example:/oauth/cb',
            'https://app.example./oauth/cb',
            'https://app.example/oauth/cb\t',
            'https://app.exa\nmple/oauth/cb'
        ]));

    it('a redirect URI with a fragment is refused, at the registration too', async () => {
        await expectNowhere([`${REGISTERED}#`, `${REGISTERED}#evil`, `${REGISTERED}%23evil`, '#', '#evil']);
        const { status } = await forum.as(FRIGG, 'POST', '/auth/oauth/clients', {
            name: 'Fragment',
            type: 'public',
            allowed_grants: ['authorization_code'],
            allowed_scopes: ['openid'],
            redirect_uris: [`${REGISTERED}#x`],
            pkce_required: true
        });
        expect(status).to.equal(400);
    });

    it('a redirect URI in another case is refused', () =>
        expectNowhere([
            'https://APP.example/oauth/cb',
            'HTTPS://app.example/oauth/cb',
            'https://app.example/OAuth/cb',
            'https://app.example/oauth/CB',
            REGISTERED.toUpperCase()
        ]));

    it('a redirect URI whose host only looks or converts alike is refused', async () => {
        await expectNowhere([
            'https://аpp.example/oauth/cb',
            'https://ａｐｐ.example/oauth/cb',
            'https://app。example/oauth/cb',
            'https://app.ex\u00adample/oauth/cb',
            'https://app.ex\u200bample/oauth/cb',
            'https://ⓐpp.example/oauth/cb',
            'https://app.example\u2044oauth/cb',
            'https://app.example/oauth/c\u0062\u0301'
        ]);
        const idn = await createApp(forum, { redirect_uris: ['https://xn--bcher-kva.example/cb'] });
        await expectNowhere(['https://bücher.example/cb', 'https://XN--bcher-kva.example/cb'], idn);
        const answer = await authorize(forum, FRIGG, parametersOf(idn));
        expect(locationOf(answer)).to.startWith(`${ISSUER}/oauth/authorize/consent?`);
    });

    it('a redirect URI that runs what it carries is refused, at the registration too', async () => {
        const uris = [
            'javascript:alert(1)//https://app.example/oauth/cb',
            'data:text/html,<script>evil</script>',
            'vbscript:x',
            'blob:https://app.example/oauth/cb',
            'file:///etc/passwd',
            'about:blank'
        ];
        await expectNowhere(uris);
        for (const uri of [...uris, 'JavaScript:alert(1)', 'https://*.app.example/cb', 'https://u@app.example/cb']) {
            const { status } = await forum.as(FRIGG, 'POST', '/auth/oauth/clients', {
                name: 'Script',
                type: 'public',
                allowed_grants: ['authorization_code'],
                allowed_scopes: ['openid'],
                redirect_uris: [uri],
                pkce_required: true
            });
            expect(status, uri).to.equal(400);
        }
    });

    it('a redirect URI of another client, or of a loopback host where none is registered, is refused', async () => {
        const other = await createApp(forum, { redirect_uris: ['https://other.example/cb'] });
        await expectNowhere(['https://other.example/cb', 'http://127.0.0.1/oauth/cb', 'http://localhost:80/oauth/cb']);
        await expectNowhere([REGISTERED], other);
    });

    it('a second redirect_uri does not win, nor does one in another place', async () => {
        const evil = 'https://evil.example/cb';
        const good = parametersOf(app);
        for (const parameters of [
            [...good, ['redirect_uri', evil]],
            [['redirect_uri', evil], ...good],
            [...good, ['redirect_uri', '']]
        ] as [string, string][][]) {
            const answer = await authorize(forum, FRIGG, parameters);
            expect([answer.status, answer.headers.location]).to.equal([400, undefined]);
        }
        for (const parameters of [
            [...good, ['redirect_uri[]', evil]],
            [...good, ['REDIRECT_URI', evil]],
            [...good, ['return_to', evil]]
        ] as [string, string][][]) {
            const answer = await authorize(forum, null, parameters);
            expect(new URL(locationOf(answer)).origin).to.equal(ISSUER);
            const errors = await authorize(forum, FRIGG, [...parameters, ['request', 'x']]);
            expect(locationOf(errors)).to.startWith(`${REGISTERED}?error=`);
        }
    });
});
