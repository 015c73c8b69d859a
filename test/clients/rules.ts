import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { DEVICE_CODE_GRANT } from '../../plugin/clients/client';
import {
    checkGrants,
    checkName,
    checkRedirectUris,
    checkScopes,
    redirectUriProblem,
    type ClientShape
} from '../../plugin/clients/rules';
import { ManagementError } from '../../plugin/errors/management-error';
import { FORUM_PERMISSIONS } from '../../plugin/options/forum-permissions';

const lab = Lab.script();
export { lab };
const { describe, it } = lab;

/** What a check says is wrong: the field and the rule, or nothing. */
function refusal(check: () => void): string | null {
    try {
        check();
        return null;
    } catch (error) {
        const { payload, statusCode } = (error as ManagementError).output;
        const { error: code, metadata } = payload as unknown as {
            error: string;
            metadata: { field: string; rule: string };
        };
        expect(error).to.be.instanceof(ManagementError);
        expect([statusCode, code]).to.equal([400, 'invalid_request']);
        return `${metadata.field} ${metadata.rule}`;
    }
}

describe('a redirect URI', () => {
    const acceptedOfAll = [
        'https://app.example',
        'https://app.example/',
        'https://app.example/cb?tenant=1&x=%2F',
        'https://app.example:8443/cb',
        'https://app.example:/cb',
        'https://App.Example/cb',
        'HTTPS://app.example/cb',
        'https://xn--bcher-kva.example/cb',
        'https://192.0.2.7/cb',
        'https://[2001:db8::1]/cb',
        'https://app.example/a@b?c=d@e',
        'https://app.example/%23not-a-fragment',
        'http://localhost/cb',
        'http://LOCALHOST:3000/cb',
        'http://127.0.0.1',
        'http://127.0.0.1:49152/cb',
        'http://127.255.255.254/cb',
        'http://[::1]/cb',
        'http://[::1]:49152/cb'
    ];
    for (const uri of acceptedOfAll) {
        it(`may be ${uri}`, () => {
            expect(redirectUriProblem('confidential', uri)).to.be.null();
            expect(redirectUriProblem('public', uri)).to.be.null();
        });
    }

    const acceptedOfPublic = [
        'com.example.app:/cb',
        'com.example.app://cb',
        'com.example.app://cb/path?x=1',
        'MyApp:cb',
        'web+app:cb',
        'myapp://[::1]/cb',
        'myapp:/mail/a@b'
    ];
    for (const uri of acceptedOfPublic) {
        it(`may be ${uri} for a public client only`, () => {
            expect(redirectUriProblem('public', uri)).to.be.null();
            expect(redirectUriProblem('confidential', uri)).to.be.a.string();
        });
    }

    const refused: Record<string, string[]> = {
        'that is not absolute': [
            '',
            '/cb',
            '//app.example/cb',
            'app.example/cb',
            '?x',
            'https:',
            'https://',
            'https:///cb',
            'https:app.example/cb',
            'https:/app.example/cb',
            'https:///app.example/cb',
            '://app.example',
            '1app:/cb'
        ],
        'with a fragment, an empty one included': ['https://app.example/cb#', 'https://app.example/#x', 'myapp:/cb#x'],
        'with a wildcard': [
            'https://*.app.example/cb',
            'https://app.example/*',
            'https://app.example/cb?x=*',
            'http://localhost:*/cb',
            'https://%2a.app.example/cb',
            'https://%2A.app.example/cb',
            'myapp:/*'
        ],
        'with user information': [
            'https://user@app.example/cb',
            'https://user:password@app.example/cb',
            'https://@app.example/cb',
            'https://:@app.example/cb',
            'https://app.example@evil.example/cb',
            'https://app.example%40evil.example/cb',
            'https://127.0.0.1:80@evil.example/cb',
            'http://localhost@evil.example/cb',
            'http://evil.example#@localhost/cb',
            'myapp://user@host/cb',
            'myapp://user:password@host/cb',
            'myapp://@host/cb'
        ],
        'with http on a host that is no loopback': [
            'http://app.example/cb',
            'HTTP://app.example/cb',
            'http://localhost.evil.example/cb',
            'http://127.0.0.1.evil.example/cb',
            'http://app.localhost/cb',
            'http://localhost./cb',
            'http://128.0.0.1/cb',
            'http://126.255.255.255/cb',
            'http://0.0.0.0/cb',
            'http://10.0.0.1/cb',
            'http://[::]/cb',
            'http://[::2]/cb',
            'http://[::ffff:127.0.0.1]/cb',
            'http://[::ffff:7f00:1]/cb'
        ],
        'with a loopback address in disguise': [
            'http://127.1/cb',
            'http://127.0.0.1./cb',
            'http://127.0.0.01/cb',
            'http://127.000.000.001/cb',
            'http://0x7f.0.0.1/cb',
            'http://0177.0.0.1/cb',
            'http://2130706433/cb',
            'http://[0:0:0:0:0:0:0:1]/cb',
            'http://[::0001]/cb',
            'http://[::1%25eth0]/cb',
            'http://127.0.0.256/cb',
            'http://127.0.0/cb'
        ],
        'with an encoded or international host': [
            'https://%61pp.example/cb',
            'https://app%2eexample/cb',
            'https://app.example%2fevil/cb',
            'https://app.example%00.evil.example/cb',
            'https://b\u00fccher.example/cb',
            'https://\u0430pp.example/cb',
            'https://app\u3002example/cb',
            'https://\uff41pp.example/cb',
            'http://\u2460\u2461\u2466.0.0.1/cb',
            'https://xn--/cb'
        ],
        'with what a browser repairs or drops': [
            'https:\\\\app.example\\cb',
            'https://app.example\\@evil.example/cb',
            'https://app.example/\\evil',
            ' https://app.example/cb',
            'https://app.example/cb ',
            'https://app.example/c b',
            'https://app.example/cb\n',
            'https://app.exa\tmple/cb',
            'https://app.example/cb\r\nLocation: https://evil.example',
            'https://app.example/\u0000',
            'https://app.example/\u007f',
            'https://app.example/%',
            'https://app.example/%zz',
            'https://app.example/%e',
            'https://app.example/\u00e9',
            'https://app.example/<script>',
            'https://app.example/"x"',
            'https://app.example/{x}',
            'https://app.example/`x`',
            'https://app.example/x|y',
            'https://app.example/x^y',
            'https://app.example/\ud800'
        ],
        'with an impossible port or host': [
            'https://app.example:99999/cb',
            'https://app.example:-1/cb',
            'https://app.example:8o/cb',
            'https://[::1/cb',
            'https://[app.example]/cb',
            'https://[::1]app.example/cb'
        ],
        'with a scheme that runs, reads or shows what it carries': [
            'javascript:alert(1)',
            'JavaScript:alert(1)',
            'JAVASCRIPT://app.example/%0aalert(1)',
            'java\nscript:alert(1)',
            'data:text/html,x',
            'Data:text/html;base64,eA==',
            'file:///etc/passwd',
            'FILE:/etc/passwd',
            'blob:https://app.example/x',
            'about:blank',
            'vbscript:x',
            'VBScript:x',
            'view-source:https://app.example'
        ]
    };
    for (const [what, uris] of Object.entries(refused)) {
        it(`is refused ${what}`, () => {
            for (const uri of uris) {
                expect(redirectUriProblem('public', uri), JSON.stringify(uri)).to.be.a.string();
                expect(redirectUriProblem('confidential', uri), JSON.stringify(uri)).to.be.a.string();
            }
        });
    }

    it('has at most 2,048 characters', () => {
        const begin = 'https://app.example/';
        expect(redirectUriProblem('public', begin + 'x'.repeat(2048 - begin.length))).to.be.null();
        expect(redirectUriProblem('public', begin + 'x'.repeat(2049 - begin.length))).to.contain('2048');
    });

    it('is named by its place in the list, and never repeated in the message', () => {
        const check = (): void =>
            checkRedirectUris('public', ['https://app.example', 'https://user:hunter2@app.example']);
        expect(refusal(check)).to.equal('redirect_uris[1] uri');
        expect(check).to.throw(ManagementError, /^A redirect URI [^]*$/);
        try {
            check();
        } catch (error) {
            expect(JSON.stringify((error as ManagementError).output)).not.to.contain('hunter2');
        }
    });
});

describe('a client\u2019s name', () => {
    const settings = {
        firstPartyClients: [
            { clientId: 'storyden-cli', name: 'Storyden' },
            { clientId: 'strasse', name: 'Stra\u00dfe \u03a3\u03a3' }
        ]
    };
    const check = (name: string): string | null => refusal(() => checkName(name, settings));

    it('has 1 to 200 characters, however many units each takes', () => {
        expect(check('x')).to.be.null();
        expect(check('x'.repeat(200))).to.be.null();
        expect(check('\u{1f600}'.repeat(200))).to.be.null();
        expect(check('\u00e9'.repeat(200))).to.be.null();
        expect(check('x'.repeat(201))).to.equal('name length');
        expect(check('\u{1f600}'.repeat(201))).to.equal('name length');
        expect(check('')).to.equal('name length');
    });

    it('is not blank', () => {
        for (const name of [' ', '\u00a0\u3000', '\u200b', '\u200b \u2060']) {
            expect(check(name), JSON.stringify(name)).to.equal('name length');
        }
    });

    it('may be in any language', () => {
        for (const name of [
            'B\u00fccherwurm',
            '\u8aad\u66f8',
            '\u0627\u0644\u0642\u0627\u0631\u0626',
            'O\u2019Reilly & "S\u00f6hne" <b>',
            '\u{1f468}\u200d\u{1f469}\u200d\u{1f467}'
        ]) {
            expect(check(name), name).to.be.null();
        }
    });

    it('has no control characters', () => {
        for (const character of ['\0', '\t', '\n', '\r', '\x1b', '\x7f', '\x85', '\x9f', '\u2028', '\u2029']) {
            expect(check(`a${character}b`), JSON.stringify(character)).to.equal('name characters');
        }
    });

    it('may have what turns the direction of text, which pages isolate', () => {
        for (const character of ['\u202a', '\u202d', '\u202e', '\u2066', '\u2067', '\u2068', '\u2069']) {
            expect(check(`a${character}b`), JSON.stringify(character)).to.be.null();
        }
    });

    it('has no half of a character', () => {
        for (const name of ['\ud83d', 'a\ud800b', '\udc00', '\ude00\ud83d']) {
            expect(check(name), JSON.stringify(name)).to.equal('name characters');
        }
    });

    it('is not a built-in client\u2019s in another guise', () => {
        for (const name of [
            'Storyden',
            'storyden',
            'STORYDEN',
            ' Storyden ',
            '\u00a0Storyden',
            '\uff33toryden',
            '\u017ftoryden',
            'Story\u200bden',
            'Story\u00adden',
            '\ufeffStoryden',
            'STRASSE \u03c3\u03c2',
            'stra\u00dfe  \u03c3\u03c3'
        ]) {
            expect(check(name), JSON.stringify(name)).to.equal('name reserved');
        }
        expect(check('Storyden helper')).to.be.null();
    });
});

describe('a client\u2019s grants', () => {
    const check = (shape: Partial<ClientShape>): string | null =>
        refusal(() => checkGrants({ type: 'public', grants: [], redirectUris: [], ...shape }));
    const redirectUris = ['https://app.example/cb'];

    it('are at least one, and known', () => {
        expect(check({})).to.equal('allowed_grants known');
        for (const grant of ['implicit', 'password', 'Authorization_Code', 'refresh_token ', 'toString', '']) {
            expect(check({ grants: [DEVICE_CODE_GRANT, grant] }), grant).to.equal('allowed_grants known');
        }
    });

    it('may be every sensible combination', () => {
        const confidential = { type: 'confidential' } as const;
        expect(check({ grants: [DEVICE_CODE_GRANT] })).to.be.null();
        expect(check({ grants: [DEVICE_CODE_GRANT, 'refresh_token'] })).to.be.null();
        expect(check({ grants: [DEVICE_CODE_GRANT], redirectUris })).to.be.null();
        expect(check({ grants: ['authorization_code'], redirectUris, pkceRequired: true })).to.be.null();
        expect(check({ ...confidential, grants: ['authorization_code'], redirectUris })).to.be.null();
        expect(
            check({ ...confidential, grants: ['authorization_code'], redirectUris, pkceRequired: false })
        ).to.be.null();
        expect(check({ ...confidential, grants: ['client_credentials'] })).to.be.null();
        expect(
            check({
                ...confidential,
                grants: ['authorization_code', 'client_credentials', 'refresh_token'],
                redirectUris
            })
        ).to.be.null();
    });

    it('need a confidential client for client credentials and a public one for device codes', () => {
        expect(check({ grants: ['client_credentials'] })).to.equal('allowed_grants confidential');
        expect(check({ type: 'confidential', grants: [DEVICE_CODE_GRANT] })).to.equal('allowed_grants public');
    });

    it('have refresh_token only beside one that yields a refresh token', () => {
        expect(check({ grants: ['refresh_token'] })).to.equal('allowed_grants refresh_token');
        expect(check({ type: 'confidential', grants: ['client_credentials', 'refresh_token'] })).to.equal(
            'allowed_grants refresh_token'
        );
    });

    it('need PKCE for a public client with authorization_code', () => {
        for (const pkceRequired of [undefined, false]) {
            expect(check({ grants: ['authorization_code'], redirectUris, pkceRequired })).to.equal(
                'pkce_required public'
            );
        }
    });

    it('need a redirect URI for authorization_code and none for client credentials alone', () => {
        expect(check({ grants: ['authorization_code'], pkceRequired: true })).to.equal('redirect_uris required');
        expect(check({ type: 'confidential', grants: ['client_credentials'], redirectUris })).to.equal(
            'redirect_uris forbidden'
        );
    });

    it('go with at most 20 redirect URIs', () => {
        const many = (count: number): string[] => Array.from({ length: count }, (_, at) => `https://app.example/${at}`);
        const shape = { grants: ['authorization_code'], pkceRequired: true };
        expect(check({ ...shape, redirectUris: many(20) })).to.be.null();
        expect(check({ ...shape, redirectUris: many(21) })).to.equal('redirect_uris count');
    });
});

describe('a client\u2019s scopes', () => {
    const registry = { permissions: FORUM_PERMISSIONS, administrator: 'ADMINISTRATOR' };

    it('are standard scopes and permissions, exactly as they are spelled', () => {
        const all = ['openid', 'profile', 'email', 'offline_access', ...FORUM_PERMISSIONS];
        expect(refusal(() => checkScopes(registry, all))).to.be.null();
        expect(refusal(() => checkScopes(registry, []))).to.be.null();
        for (const name of ['create_post', 'OPENID', 'CREATE_POST ', 'CREATE_POST READ_PROFILE', '', 'constructor']) {
            expect(
                refusal(() => checkScopes(registry, ['openid', name])),
                name
            ).to.equal('allowed_scopes known');
        }
    });
});
