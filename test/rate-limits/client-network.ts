import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import { clientNetwork } from '../../plugin/rate-limits/client-network';

const lab = Lab.script();
export { lab };
const { describe, it } = lab;

describe('the network of a client address', () => {
    it('is the address itself for IPv4, however it is written', () => {
        expect(clientNetwork('192.0.2.1')).to.equal('192.0.2.1');
        expect(clientNetwork('192.0.2.2')).to.equal('192.0.2.2');
        expect(clientNetwork('::ffff:192.0.2.1')).to.equal('192.0.2.1');
        for (const address of [
            '::FFFF:192.0.2.1',
            '::ffff:192.0.2.1%eth0',
            '0:0:0:0:0:ffff:192.0.2.1',
            '::ffff:c000:201',
            '0000:0000:0000:0000:0000:ffff:c000:0201',
            // How NAT64 writes it (RFC 6052).
            '64:ff9b::192.0.2.1',
            '64:ff9b::c000:201'
        ]) {
            expect(clientNetwork(address), address).to.equal('192.0.2.1');
        }
        for (const address of ['::fffe:192.0.2.1', '1::ffff:192.0.2.1', '64:ff9b:0:0:0:1:c000:201']) {
            expect(clientNetwork(address), address).to.endWith('::/64');
        }
    });

    it('is the /64 network for IPv6, however it is written', () => {
        for (const address of [
            '2001:db8:1:2:3:4:5:6',
            '2001:db8:1:2::',
            '2001:db8:1:2::1',
            '2001:0DB8:0001:0002:ffff:ffff:ffff:ffff',
            '2001:db8:1:2:3:4:192.0.2.1',
            '2001:db8:1:2:3::192.0.2.1'
        ]) {
            expect(clientNetwork(address), address).to.equal('2001:db8:1:2::/64');
        }
        for (const address of ['2001:db8::1', '2001:db8:0:0:1::', '2001:db8::1:2:3:4', '2001:db8:0::192.0.2.1']) {
            expect(clientNetwork(address), address).to.equal('2001:db8:0:0::/64');
        }
        expect(clientNetwork('2001:db8:1:3::1')).to.equal('2001:db8:1:3::/64');
        expect(clientNetwork('2001:db8:1::3:0:0:0')).to.equal('2001:db8:1:0::/64');
        expect(clientNetwork('::2:3:4:5:6:7:8')).to.equal('0:2:3:4::/64');
        expect(clientNetwork('::1')).to.equal('0:0:0:0::/64');
        expect(clientNetwork('::')).to.equal('0:0:0:0::/64');
        expect(clientNetwork('fe80::1%eth0')).to.equal('fe80:0:0:0::/64');
        expect(clientNetwork('fe80::1%eth0.100')).to.equal('fe80:0:0:0::/64');
    });

    it('is the given text when it is not an IP address', () => {
        for (const address of ['', 'unix', '192.0.2.1, 192.0.2.2', '::ffff:192.0.2.999', '[2001:db8::1]:443', 'x:y']) {
            expect(clientNetwork(address)).to.equal(address);
        }
    });
});
