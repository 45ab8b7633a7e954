import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { containerKey, isEntered, keysOf, pathsOfId, pathsOfName, unitKey } from '../../../probes/host/cgroupNames.ts';
import { unitPaths } from '../../../probes/host/unitPaths.ts';

const ID = '107a442c0f62bf80ee4c2c554d9c3c97d3755be9a9a869d7b7deaaa54af5f235';
const OF_ID = `container ${ID.slice(0, 12)}`;
const ALICE = 'user.slice/user-1001.slice/user@1001.service';
const OF_ALICE = `container 1001/${ID.slice(0, 12)}`;

const CASES: readonly (readonly [path: string, ...keys: string[]])[] = [
  ['system.slice/asterisk.service', 'unit asterisk.service'],
  ['system.slice/system-asterisk.slice/asterisk@acme.service', 'unit asterisk@acme.service'],
  ['customers.slice/customers-acme.slice/pbx.scope', 'unit pbx.scope'],
  [ALICE, 'unit user@1001.service'],
  ['system.slice'],
  ['customers/acme'],
  ['init.scope', 'unit init.scope'],

  [`docker/${ID}`, OF_ID],
  [`system.slice/docker-${ID}.scope`, `unit docker-${ID}.scope`, OF_ID],
  [`customers.slice/docker-${ID}.scope`, `unit docker-${ID}.scope`, OF_ID],
  [`machine.slice/libpod-${ID}.scope`, `unit libpod-${ID}.scope`, OF_ID],
  [`machine.slice/machine-libpod_pod_1.slice/libpod-${ID}.scope`, `unit libpod-${ID}.scope`, OF_ID],
  [`libpod_parent/libpod-${ID}`, OF_ID],
  [`system.slice/acme.service/libpod-payload-${ID}`, OF_ID],
  [`kubepods.slice/kubepods-pod1.slice/cri-containerd-${ID}.scope`, `unit cri-containerd-${ID}.scope`, OF_ID],
  [`kubepods/burstable/pod1/${ID}`, OF_ID],
  [`libpod_parent/libpod-conmon-${ID}`],
  [`docker/${ID}0`],
  [`docker/${ID.slice(1)}`],
  [`docker/${ID.toUpperCase()}`],

  ['lxc.payload.acme-pbx', 'container acme-pbx'],
  ['lxc.monitor.acme-pbx'],
  ['lxc/101', 'container 101'],
  ['lxc/101/ns'],
  ['machine.slice/machine-acme\\x2dpbx.scope', 'unit machine-acme\\x2dpbx.scope', 'container acme-pbx'],
  ['machine.slice/systemd-nspawn@acme.service', 'unit systemd-nspawn@acme.service', 'container acme'],
  [
    'machine.slice/machine-qemu\\x2d3\\x2dacme.scope',
    'unit machine-qemu\\x2d3\\x2dacme.scope',
    'container qemu-3-acme',
    'container acme',
  ],
  ['customers.slice/machine-acme.scope', 'unit machine-acme.scope'],

  // What is made in a user's manager is the user's.
  [`${ALICE}/user.slice/libpod-${ID}.scope`, OF_ALICE],
  [`${ALICE}/user.slice/user-libpod_pod_1.slice/libpod-${ID}.scope`, OF_ALICE],
  [`${ALICE}/app.slice/lxc.payload.globex`, 'container 1001/globex'],
  [`${ALICE}/app.slice/asterisk.service`],
  [`${ALICE}/machine.slice/machine-globex.scope`],
  // Not those of a user whose slice it is not.
  [`user.slice/user-1001.slice/user@1002.service/docker-${ID}.scope`, OF_ID],

  ['lxc.payload.two\nlines'],
  [`docker-${ID}.scope\n`],
  [''],
];

describe('keysOf', () => {
  for (const [path, ...keys] of CASES) {
    it(`calls ${JSON.stringify(path)} ${keys.join(' and ') || 'nothing'}`, () => assert.deepEqual(keysOf(path), keys));
  }

  const hex = fc.stringMatching(/^[0-9a-f]{64}$/);
  const name = fc.stringMatching(/^[A-Za-z0-9][\w.-]{0,40}$/);
  const uid = fc.option(fc.nat(2 ** 31).map(String), { nil: null });

  it('knows a container by whichever of its usual paths', () => {
    fc.assert(
      fc.property(uid, hex, (owner, id) => {
        for (const path of pathsOfId(owner, id)) assert(keysOf(path).includes(containerKey(owner, id)), path);
      }),
    );
    fc.assert(
      fc.property(name, (each) => {
        for (const path of pathsOfName(each)) assert(keysOf(path).includes(containerKey(null, each)), path);
      }),
    );
  });

  it('knows a service and a scope by whichever of its usual paths', () => {
    fc.assert(
      fc.property(name, fc.constantFrom('.service', '.scope', '@x.service'), (each, kind) => {
        for (const path of unitPaths(`${each}${kind}`)) assert(keysOf(path).includes(unitKey(`${each}${kind}`)), path);
      }),
    );
  });
});

describe('isEntered', () => {
  const entered = ['system.slice', 'docker', 'kubepods/burstable', 'machine.slice/machine-libpod_pod_1.slice'];
  const inUsers = [ALICE, `${ALICE}/user.slice`, `${ALICE}/app.slice/pbx.service`];
  for (const path of [...entered, ...inUsers, 'system.slice/acme.service']) {
    it(`looks into ${path}`, () => assert(isEntered(path)));
  }

  const closed = [
    `docker/${ID}`,
    `system.slice/docker-${ID}.scope`,
    `system.slice/acme.service/libpod-payload-${ID}`,
    'system.slice/acme.service/tenants',
    `${ALICE}/app.slice/pbx.service/workers`,
    'user.slice/user-1001.slice/session-1.scope',
    'lxc.payload.acme',
    'lxc/101',
    'machine.slice/systemd-nspawn@acme.service',
  ];
  for (const path of closed) it(`does not look into ${path}`, () => assert(!isEntered(path)));
});
