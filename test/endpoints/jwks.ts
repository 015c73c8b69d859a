import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { generateSigningKey } from '../../plugin/index';
import { Forum, openDatabase } from '../support/forum';
import { useDatabase, useForum } from '../support/setup';

const lab = Lab.script();
export { lab };
const { describe, it } = lab;

const JWKS = '/oauth/jwks';

describe('the JWK Set', () => {
    const database = useDatabase(lab, 'embedded');
    const forum = useForum(lab, { database });

    it('has every key, with its public members only', async () => {
        const signingKeys = await Promise.all([generateSigningKey('EdDSA'), generateSigningKey('RS256')]);
        const other = await Forum.create(database.dataSource, { signingKeys });
        const { text, body } = await other.as(null, 'GET', JWKS);
        expect(body.keys.map((key: { kid: string }) => key.kid)).to.equal(signingKeys.map(({ kid }) => kid));
        for (const key of body.keys as Record<string, unknown>[]) {
            expect(key).to.include({ use: 'sig' });
            expect(Object.keys(key)).to.not.include(['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']);
        }
        expect(signingKeys.some(({ d }) => text.includes(d!))).to.be.false();
        await other.stop();
    });

    it('may be cached by anyone for five minutes', async () => {
        const { status, headers } = await forum.as(null, 'GET', JWKS);
        expect(status).to.equal(200);
        expect(headers['cache-control']).to.equal('public, max-age=300');
        expect(headers.pragma).to.be.undefined();
    });

    it('needs no session, takes any query and sets no cookie', async () => {
        for (const cookie of ['session=odin0000000000000000', 'session="broken', '\u0001']) {
            const { status, headers } = await forum.as(null, 'GET', `${JWKS}?a=1&a=2&%00`, undefined, { cookie });
            expect(status, cookie).to.equal(200);
            expect(headers['set-cookie']).to.be.undefined();
        }
    });

    it('comes whole, whatever range is asked for', async () => {
        const whole = await forum.as(null, 'GET', JWKS);
        for (const range of ['bytes=0-1', 'bytes=99999-', '%ff']) {
            const answer = await forum.as(null, 'GET', JWKS, undefined, { range });
            expect([answer.status, answer.text]).to.equal([200, whole.text]);
        }
    });

    it('needs neither the database nor an account', async () => {
        const { dataSource } = await openDatabase('embedded');
        const other = await Forum.create(dataSource);
        await dataSource.destroy();
        expect((await other.as(null, 'GET', JWKS)).status).to.equal(200);
        expect(other.finds).to.equal(0);
        await other.stop();
    });
});
