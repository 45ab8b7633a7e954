import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import {
  configForHost,
  configForReplay,
  defaultConfig,
  defaultRouteIPv4,
  defaultRouteIPv6,
  describeHost,
} from '../../daemon/config/host.ts';
import { loadConfig } from '../../daemon/config/load.ts';
import { TenantDirectory } from '../../daemon/tenants/directory.ts';
import { parseAddress } from '../../daemon/tenants/prefix.ts';
import { addNamespaces, inNamespace, ip, joinByVeth, removeNamespaces } from '../support/namespace.ts';

const HOST = 'weircfg-host';
const PEER = 'weircfg-peer';

describe('describeHost', () => {
  before(() => {
    addNamespaces(HOST, PEER);
    joinByVeth([HOST, 'uplink'], [PEER, 'peer0']);
    joinByVeth([HOST, 'inside'], [PEER, 'peer1']);
    ip('-n', HOST, 'address', 'add', '198.51.100.8/29', 'dev', 'uplink');
    ip('-n', HOST, 'address', 'add', '169.254.7.7/16', 'dev', 'uplink');
    ip('-n', HOST, 'address', 'add', '203.0.113.1/24', 'dev', 'inside');
  });
  after(() => removeNamespaces(HOST, PEER));

  it('finds no interface without a default route', () => {
    assert.equal(inNamespace(HOST, describeHost).interfaceName, null);
  });

  it('finds the interface of the default route of the lowest metric, and the addresses that are global', () => {
    ip('-n', HOST, 'route', 'add', 'default', 'via', '203.0.113.2', 'metric', '200');
    ip('-n', HOST, 'route', 'add', 'default', 'via', '198.51.100.9', 'metric', '100');
    assert.deepEqual(inNamespace(HOST, describeHost), {
      interfaceName: 'uplink',
      addresses: ['198.51.100.8/32', '203.0.113.1/32'],
    });
  });

  it('finds an IPv6 default route where there is none of IPv4', () => {
    ip('-n', HOST, 'route', 'flush', 'table', 'main');
    inNamespace(HOST, () => writeFileSync('/proc/sys/net/ipv6/conf/inside/disable_ipv6', '0'));
    ip('-n', HOST, 'address', 'add', '2001:db8:8::1/64', 'dev', 'inside', 'nodad');
    ip('-n', HOST, 'route', 'add', 'default', 'via', '2001:db8:8::2');
    const { interfaceName, addresses } = inNamespace(HOST, describeHost);
    assert.equal(interfaceName, 'inside');
    assert.deepEqual(addresses.toSorted(), ['198.51.100.8/32', '2001:db8:8::1/128', '203.0.113.1/32']);
  });
});

describe('defaultRouteIPv4', () => {
  it('passes over routes that are unreachable, down or of a part of the addresses', () => {
    const routes = [
      'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT',
      '*\t00000000\t00000000\t0201\t0\t0\t0\t00000000\t0\t0\t0',
      'eth0\t00000000\t010200C0\t0002\t0\t0\t0\t00000000\t0\t0\t0',
      'eth1\t00000000\t010200C0\t0003\t0\t0\t0\t00000080\t0\t0\t0',
      'eth2\t00000000\t010200C0\t0003\t0\t0\t9\t00000000\t0\t0\t0',
    ];
    assert.equal(defaultRouteIPv4(routes.join('\n')), 'eth2');
    assert.equal(defaultRouteIPv4(routes.slice(0, 4).join('\n')), null);
    assert.equal(defaultRouteIPv4(''), null);
  });
});

const routeIPv6 = (flags: string, name: string): string =>
  `${'0'.repeat(32)} 00 ${'0'.repeat(32)} 00 ${'0'.repeat(32)} ffffffff 00000001 00000000 ${flags}       ${name}\n`;

describe('defaultRouteIPv6', () => {
  it('passes over the unreachable default route that every kernel has', () => {
    assert.equal(defaultRouteIPv6(routeIPv6('00200200', 'lo')), null);
    assert.equal(defaultRouteIPv6(routeIPv6('00200200', 'lo') + routeIPv6('00000003', 'eth0')), 'eth0');
  });
});

const CONFIGURED = loadConfig(
  'c',
  'interfaces: [{ name: eth7 }]\ntenants: [{ id: acme, addresses: [198.51.100.8/29] }]\nlog: { level: warn }',
);

describe('configForHost', () => {
  const host = { interfaceName: 'eth0', addresses: ['198.51.100.8/32', '2001:db8::1/128'] };

  it('watches the default route and takes the host for one tenant, without limits', () => {
    const { interfaces, tenants, enforcement } = configForHost(host);
    assert.deepEqual(interfaces, loadConfig('c', 'interfaces: [{ name: eth0 }]').interfaces);
    const plan = { portBps: null, guaranteed: false, threshold: null, limitBps: null };
    assert.deepEqual(tenants, [{ id: 'local', addresses: host.addresses, macs: [], plan }]);
    assert.equal(enforcement.mode, 'observe');
  });

  it('changes nothing that is configured', () => assert.deepEqual(configForHost(host, CONFIGURED), CONFIGURED));

  it('leaves open what the host has not', () => {
    assert.deepEqual(configForHost({ interfaceName: null, addresses: [] }), defaultConfig());
  });
});

describe('configForReplay', () => {
  it('takes the private addresses of both families for one tenant', () => {
    const directory = new TenantDirectory(configForReplay().tenants);
    const tenants = [
      '10.10.10.10',
      '172.31.0.1',
      '100.64.0.1',
      'fd00::1',
      'fe80::1',
      '198.51.100.8',
      '2001:db8::1',
    ].map((text) => directory.lookup(...(parseAddress(text) ?? assert.fail(text))));
    assert.deepEqual(tenants, [1, 1, 1, 1, 1, 0, 0]);
  });

  it('changes nothing that is configured', () => assert.deepEqual(configForReplay(CONFIGURED), CONFIGURED));
});
