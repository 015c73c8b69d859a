import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { DEVICE_CODE_GRANT } from '../../plugin/clients/grant-rules';
import { checkRedirectUriCount, checkRedirectUris, redirectUriProblem } from '../../plugin/clients/redirect-uri';
import { ManagementError } from '../../plugin/errors/management-error';
import { refusal } from '../support/refusal';

const lab = Lab.script();
export { lab };
const { describe, it } = lab;

/** Without the option `redirectSchemes`. */
const problemOf = (type: 'public' | 'confidential', uri: string): string | null => redirectUriProblem(type, uri, []);

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
        it(`can be ${uri}`, () => {
            expect(problemOf('confidential', uri)).to.be.null();
            expect(problemOf('public', uri)).to.be.null();
        });
    }

    const acceptedOfPublic = [
        'com.example.app:/cb',
        'com.example.app://cb',
        'com.example.app://cb/path?x=1',
        'com.Example.App:/cb',
        'com.example.app://[::1]/cb',
        'com.example.app:/mail/a@b',
        'org.example+web:cb'
    ];
    for (const uri of acceptedOfPublic) {
        it(`can be ${uri} for a public client only`, () => {
            expect(problemOf('public', uri)).to.be.null();
            expect(problemOf('confidential', uri)).to.be.a.string();
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
            'view-source:https://app.example',
            'tel:+3545551234',
            'sms:+3545551234',
            'smb://server/share',
            'ms-msdt:/id',
            'search-ms:query=x',
            'itms-services://?action=download',
            'chrome-extension://abcdef/cb',
            'intent://scan/#Intent',
            'steam:run',
            'myapp:/cb'
        ]
    };
    for (const [what, uris] of Object.entries(refused)) {
        it(`is refused ${what}`, () => {
            for (const uri of uris) {
                expect(problemOf('public', uri), JSON.stringify(uri)).to.be.a.string();
                expect(problemOf('confidential', uri), JSON.stringify(uri)).to.be.a.string();
            }
        });
    }

    it('can have a scheme without a period that the option names', () => {
        for (const uri of ['myapp:/cb', 'MyApp:cb', 'web+app:cb']) {
            expect(problemOf('public', uri)).to.contain('a scheme with a period');
            expect(redirectUriProblem('public', uri, ['myapp', 'web+app'])).to.be.null();
            expect(redirectUriProblem('confidential', uri, ['myapp', 'web+app'])).to.be.a.string();
        }
    });

    it('has at most 2,048 characters', () => {
        const begin = 'https://app.example/';
        expect(problemOf('public', begin + 'x'.repeat(2048 - begin.length))).to.be.null();
        expect(problemOf('public', begin + 'x'.repeat(2049 - begin.length))).to.contain('2048');
    });

    it('is named by its index in the list, and never repeated in the message', () => {
        const check = (): void =>
            checkRedirectUris('public', ['https://app.example', 'https://user:hunter2@app.example'], []);
        expect(refusal(check)).to.equal('redirect_uris[1] uri');
        expect(check).to.throw(ManagementError, /^A redirect URI [^]*$/);
        try {
            check();
        } catch (error) {
            expect(JSON.stringify((error as ManagementError).output)).not.to.contain('hunter2');
        }
    });
});

describe('the redirect URIs of a client', () => {
    const check = (grants: string[], redirectUris: string[]): string | null =>
        refusal(() => checkRedirectUriCount(grants, redirectUris));
    const many = (count: number): string[] => Array.from({ length: count }, (_, at) => `https://app.example/${at}`);

    it('are at least one for authorization_code and none for client credentials alone', () => {
        expect(check(['authorization_code'], [])).to.equal('redirect_uris required');
        expect(check(['authorization_code'], many(1))).to.be.null();
        expect(check(['client_credentials'], many(1))).to.equal('redirect_uris forbidden');
        expect(check(['client_credentials'], [])).to.be.null();
        expect(check(['authorization_code', 'client_credentials'], many(1))).to.be.null();
    });

    it('are optional for device codes', () => {
        expect(check([DEVICE_CODE_GRANT], [])).to.be.null();
        expect(check([DEVICE_CODE_GRANT, 'refresh_token'], many(1))).to.be.null();
    });

    it('are at most 20', () => {
        expect(check(['authorization_code'], many(20))).to.be.null();
        expect(check(['authorization_code'], many(21))).to.equal('redirect_uris count');
    });
});
