import assert from 'node:assert/strict';
import { stringify } from 'yaml';
import { loadConfig } from '../../daemon/config/load.ts';
import { inOrderOf, needsRestart, restartReason } from '../../daemon/config/needsRestart.ts';

const PRESENT = {
  interfaces: [{ name: 'eth0' }],
  tenants: [
    { id: 'acme', addresses: ['198.51.100.8/29'], workload: { user: 'acme' } },
    { id: 'birch', addresses: ['198.51.100.16/29'], macs: ['02:00:5e:10:00:08'] },
  ],
};
const [ACME, BIRCH] = PRESENT.tenants;
const load = (written: object) => loadConfig('weir.yaml', stringify(written));

/** The keys that take a restart when these sections come. */
const changed = (sections: object): string[] =>
  needsRestart(load(PRESENT), inOrderOf(load(PRESENT), load({ ...PRESENT, ...sections })));

describe('needsRestart', () => {
  for (const [what, sections, keys] of [
    ['nothing changed', {}, []],
    ['thresholds', { detectors: { synFlood: { packetsPerSecond: 9 } } }, []],
    ['plans', { tenants: [{ ...ACME, plan: { port: '1gbit', limit: '5mbit' } }, BIRCH] }, []],
    ["a tenant's enforcement", { tenants: [{ ...ACME, enforcement: 'observe' }, BIRCH] }, []],
    ['tenants in another order', { tenants: [BIRCH, ACME] }, []],
    ['enforcement', { enforcement: { mode: 'enforce', exempt: { prefixes: ['192.0.2.1/32'] } } }, []],
    ['Alertmanagers and log level', { alertmanager: { urls: ['http://192.0.2.1'] }, log: { level: 'warn' } }, []],
    ['an interface', { interfaces: [{ name: 'eth1' }] }, ['interfaces']],
    ['a collector', { collector: { exporters: ['192.0.2.1'] } }, ['collector']],
    ['where it listens', { status: { listen: '127.0.0.1:9999' } }, ['status']],
    [
      'the rest',
      { store: { path: 'none' }, host: { every: '9s' }, incidents: { maxOpen: 9 } },
      ['host', 'incidents', 'store'],
    ],
    ['a tenant more and one less', { tenants: [ACME, { ...BIRCH, id: 'elm' }] }, ['tenants.birch', 'tenants.elm']],
    ['addresses', { tenants: [{ ...ACME, addresses: ['192.0.2.0/29'] }, BIRCH] }, ['tenants.acme.addresses']],
    ['MAC addresses', { tenants: [ACME, { ...BIRCH, macs: [] }] }, ['tenants.birch.macs']],
    ['a workload', { tenants: [{ ...ACME, workload: { user: 'other' } }, BIRCH] }, ['tenants.acme.workload']],
  ] as const)
    it(`names ${keys.length === 0 ? 'nothing' : keys.join(', ')} for ${what}`, () => {
      assert.deepEqual(changed(sections), keys);
    });

  it('knows every section: one that is new is decided upon here', () => {
    const fixed = [
      'interfaces',
      'defaultInterface',
      'collector',
      'tenants',
      'workloads',
      'host',
      'incidents',
      'status',
      'store',
    ];
    const live = ['detectors', 'enforcement', 'alertmanager', 'log'];
    assert.deepEqual(Object.keys(load(PRESENT)).toSorted(), [...fixed, ...live].toSorted());
  });

  it('gives one sentence, however many keys there are', () => {
    const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
    assert.match(restartReason(keys), /^a change of a, b, c, d, e and 2 more needs a restart \(/);
  });
});
