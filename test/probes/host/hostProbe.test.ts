import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { SampleProbe, Workload, WorkloadSample } from '../../../probes/sample.ts';
import { asNobody } from './asNobody.ts';
import { HostTree, V2_FILES } from './hostTree.ts';

const ID = '107a442c0f62bf80ee4c2c554d9c3c97d3755be9a9a869d7b7deaaa54af5f235';
const OTHER_ID = '22b22adbd7b09f4fc1387e2ed98bda1b956dfaf814aec5f195ad51ae88cb944a';
const ALICE = 'user.slice/user-1001.slice/user@1001.service';
const PASSWD = 'root:x:0:0:root:/root:/bin/sh\nalice:x:1001:1001::/home/alice:/bin/sh\n';
const CGROUP: Workload = { cgroup: 'machine.slice/acme.scope' };

const docker = (id: string, name: string): string => JSON.stringify({ ID: id, Name: `/${name}` });
const podman = (id: string, name: string): string => JSON.stringify([{ id, names: [name] }]);

async function sampleOf(probe: SampleProbe, tenant = 'acme'): Promise<WorkloadSample> {
  const { workloads } = await probe.sample();
  const sample = workloads.find((each) => each.tenant === tenant);
  assert(sample, `no sample of ${tenant}`);
  return sample;
}
const stateOf = async (probe: SampleProbe, tenant?: string): Promise<string> => (await sampleOf(probe, tenant)).state;

/** What both versions tell of the usual files. */
const FIGURES = {
  tenant: 'acme',
  state: 'running',
  cpuSeconds: 2.5,
  cpuLimitCores: 1.5,
  throttledSeconds: 0.75,
  memoryBytes: 104_857_600,
  workingSetBytes: 100_000_000,
  oomKills: 2,
};
const NO_PRESSURE = { cpuSomeSeconds: null, memorySomeSeconds: null, memoryFullSeconds: null };

describe('createHostProbe', () => {
  let host: HostTree;
  afterEach(() => {
    chmodSync(host.root, 0o700);
    host.removeAll();
  });

  describe('reads figures', () => {
    it('of v2', async () => {
      host = new HostTree(2);
      host.add('machine.slice/acme.scope');
      const { incarnation: _, ...sample } = await sampleOf(host.probe({ acme: CGROUP }));
      const pressure = { cpuSomeSeconds: 4, memorySomeSeconds: 0.3, memoryFullSeconds: 0.1 };
      assert.deepEqual(sample, { ...FIGURES, memoryLimitBytes: null, pressure });
    });

    it('of v1, whose memory.stat has the limit', async () => {
      host = new HostTree(1);
      host.add('machine.slice/acme.scope');
      const { incarnation: _, ...sample } = await sampleOf(host.probe({ acme: CGROUP }));
      assert.deepEqual(sample, { ...FIGURES, memoryLimitBytes: 209_715_200, pressure: NO_PRESSURE });
    });

    it('of v1 with a v2 beside it, which adds what it alone has', async () => {
      host = new HostTree(1);
      host.add('acme.scope');
      const unified = 'sys/fs/cgroup/unified';
      host.write(`${unified}/cgroup.controllers`, '');
      for (const file of ['cpu.stat', 'cpu.pressure'])
        host.write(`${unified}/acme.scope/${file}`, (V2_FILES[file] ?? '').replaceAll('2500000', '9000000'));
      const { cpuSeconds, memoryBytes, pressure } = await sampleOf(host.probe({ acme: { cgroup: 'acme.scope' } }));
      assert.deepEqual([cpuSeconds, memoryBytes, pressure.cpuSomeSeconds], [2.5, 104_857_600, 4]);
    });

    it('of what cpu and memory account alone', async () => {
      host = new HostTree(1);
      host.add('acme.scope');
      rmSync(join(host.cgroups, 'memory'), { recursive: true });
      const { cpuSeconds, memoryBytes, oomKills } = await sampleOf(host.probe({ acme: { cgroup: 'acme.scope' } }));
      assert.deepEqual([cpuSeconds, memoryBytes, oomKills], [2.5, null, null]);
    });

    it('and the tightest of the limits above', async () => {
      host = new HostTree(2);
      host.add('machine.slice', { 'memory.max': '300000000\n', 'cpu.max': 'max 100000\n' });
      host.add('machine.slice/acme.slice', { 'memory.max': '200000000\n', 'cpu.max': '50000 100000\n' });
      host.add('machine.slice/acme.slice/pbx.scope', { 'memory.max': '400000000\n' });
      const workload = { cgroup: 'machine.slice/acme.slice/pbx.scope' };
      const { cpuLimitCores, memoryLimitBytes } = await sampleOf(host.probe({ acme: workload }));
      assert.deepEqual([cpuLimitCores, memoryLimitBytes], [0.5, 200_000_000]);
    });

    for (const [title, files] of [
      ['empty', Object.fromEntries(Object.keys(V2_FILES).map((file) => [file, '']))],
      [
        'longer than any of the kernel',
        Object.fromEntries(Object.keys(V2_FILES).map((file) => [file, '1'.repeat(1e6)])),
      ],
      ['of something else', Object.fromEntries(Object.keys(V2_FILES).map((file) => [file, '\0\xff some total=-1\n']))],
    ] as const) {
      it(`as unknown where the files are ${title}`, async () => {
        host = new HostTree(2);
        host.add('acme.scope', files);
        const { incarnation: _, ...sample } = await sampleOf(host.probe({ acme: { cgroup: 'acme.scope' } }));
        const unknown = { cpuSeconds: null, throttledSeconds: null, memoryBytes: null, workingSetBytes: null };
        const none = { cpuLimitCores: null, memoryLimitBytes: null, oomKills: null, pressure: NO_PRESSURE };
        assert.deepEqual(sample, { tenant: 'acme', state: 'running', ...unknown, ...none });
      });
    }
  });

  describe('finds a workload', () => {
    interface Naming {
      readonly workload: Workload;
      readonly at: string;
      readonly files?: Readonly<Record<string, string>>;
    }
    const DOCKER = { [`var/lib/docker/containers/${ID}/config.v2.json`]: docker(ID, 'acme-pbx') };
    const PODMAN = { 'var/lib/containers/storage/overlay-containers/containers.json': podman(ID, 'acme-pbx') };
    const HOME = '/home/alice/.local/share/containers/storage/overlay-containers/containers.json';

    const namings: readonly Naming[] = [
      { workload: { cgroup: 'tenants/acme' }, at: 'tenants/acme' },
      { workload: { unit: 'asterisk.service' }, at: 'system.slice/asterisk.service' },
      { workload: { unit: 'pbx@acme.service' }, at: 'system.slice/system-pbx.slice/pbx@acme.service' },
      { workload: { unit: 'customers-acme.slice' }, at: 'customers.slice/customers-acme.slice' },
      { workload: { unit: 'acme.service' }, at: 'customers.slice/customers-acme.slice/acme.service' },
      { workload: { user: 'alice' }, at: 'user.slice/user-1001.slice' },
      { workload: { user: '4711' }, at: 'user.slice/user-4711.slice' },
      { workload: { container: ID }, at: `docker/${ID}` },
      { workload: { container: ID.slice(0, 12) }, at: `docker/${ID}` },
      { workload: { container: 'acme-pbx' }, at: `docker/${ID}`, files: DOCKER },
      { workload: { container: 'acme-pbx' }, at: `system.slice/docker-${ID}.scope`, files: DOCKER },
      { workload: { container: 'acme-pbx' }, at: `customers.slice/docker-${ID}.scope`, files: DOCKER },
      { workload: { container: 'acme-pbx' }, at: `machine.slice/libpod-${ID}.scope`, files: PODMAN },
      { workload: { container: 'acme-pbx' }, at: `system.slice/acme.service/libpod-payload-${ID}`, files: PODMAN },
      {
        workload: { container: 'alice/acme-pbx' },
        at: `${ALICE}/user.slice/libpod-${ID}.scope`,
        files: { [HOME]: podman(ID, 'acme-pbx') },
      },
      { workload: { container: `1001/${ID}` }, at: `${ALICE}/user.slice/docker-${ID}.scope` },
      { workload: { container: `alice/${ID.slice(0, 16)}` }, at: `${ALICE}/app.slice/libpod-${ID}.scope` },
      { workload: { container: 'acme-pbx' }, at: 'lxc.payload.acme-pbx' },
      { workload: { container: '101' }, at: 'lxc/101' },
      { workload: { container: 'acme-pbx' }, at: 'machine.slice/machine-acme\\x2dpbx.scope' },
      { workload: { container: 'acme-pbx' }, at: 'machine.slice/machine-qemu\\x2d3\\x2dacme\\x2dpbx.scope' },
    ];
    for (const { workload, at, files = {} } of namings) {
      it(`named ${JSON.stringify(workload)} in ${at}${Object.keys(files).length > 0 ? ' by what is on disk' : ''}`, async () => {
        host = new HostTree(1);
        host.write('etc/passwd', PASSWD);
        host.add('system.slice/other.service');
        host.add(`docker/${OTHER_ID}`);
        for (const [file, text] of Object.entries(files)) host.write(file, text);
        assert.equal(await stateOf(host.probe({ acme: workload })), 'absent');
        host.add(at);
        const probe = host.probe({ acme: workload });
        // What it finds by searching it has in the round after.
        await probe.sample();
        assert.equal(await stateOf(probe), 'running');
      });
    }

    it("takes no other's: of a user, of another user, of a tenant who can make cgroups", async () => {
      host = new HostTree(2);
      host.write('etc/passwd', `${PASSWD}bob:x:1002:1002::/home/bob:/bin/sh\n`);
      host.write(HOME, podman(OTHER_ID, 'acme-pbx'));
      host.add(`${ALICE}/user.slice/libpod-${OTHER_ID}.scope`);
      host.add(`${ALICE}/app.slice/acme.service`);
      host.add(`tenants/globex/docker-${ID}.scope`);
      host.add(`tenants/globex/lxc.payload.acme-pbx`);
      const probe = host.probe({
        globex: { cgroup: 'tenants/globex' },
        name: { container: 'acme-pbx' },
        id: { container: ID },
        unit: { unit: 'acme.service' },
        bob: { container: 'bob/acme-pbx' },
        whole: { container: OTHER_ID },
      });
      await probe.sample();
      const { workloads } = await probe.sample();
      assert.deepEqual(
        workloads.map(({ tenant, state }) => `${tenant} ${state}`),
        ['globex running', ...['name', 'id', 'unit', 'bob', 'whole'].map((tenant) => `${tenant} absent`)],
      );
    });

    it('by no link, and nothing outside of the tree', async () => {
      host = new HostTree(2);
      host.add('real/acme.scope');
      host.write('outside/cpu.stat', V2_FILES['cpu.stat'] ?? '');
      symlinkSync(join(host.cgroups, 'real'), join(host.cgroups, 'linked'));
      symlinkSync(join(host.root, 'outside'), join(host.cgroups, 'escape'));
      const paths = [
        'linked/acme.scope',
        'escape',
        '../../../outside',
        'real/../real/acme.scope',
        '',
        '.',
        'real/acme.scope/cpu.stat',
      ];
      const probe = host.probe(Object.fromEntries(paths.map((cgroup) => [cgroup, { cgroup }])));
      for (const { tenant, state } of (await probe.sample()).workloads) assert.equal(state, 'absent', tenant);
    });
  });

  describe('follows a workload', () => {
    it('that goes away and comes back, and tells the two apart', async () => {
      host = new HostTree(2);
      host.add('acme.scope');
      const probe = host.probe({ acme: { cgroup: 'acme.scope' } });
      const before = await sampleOf(probe);
      host.remove('acme.scope');
      assert.equal(await stateOf(probe), 'absent');
      // Keeps the number of the one that is gone.
      host.add('other.scope');
      host.add('acme.scope', { 'cpu.stat': 'usage_usec 1\n' });
      const after = await sampleOf(probe);
      assert.deepEqual([after.state, after.cpuSeconds], ['running', 1e-6]);
      assert.notEqual(after.incarnation, before.incarnation);
    });

    it('that is in another slice now', async () => {
      host = new HostTree(1);
      host.add('a.slice/acme.service');
      const probe = host.probe({ acme: { unit: 'acme.service' } });
      assert.deepEqual([await stateOf(probe), await stateOf(probe)], ['absent', 'running']);
      host.move('a.slice/acme.service', 'system.slice/acme.service');
      assert.equal(await stateOf(probe), 'running');
    });

    it('that is made anew with another id, half a minute later', async () => {
      let nowMs = 0;
      host = new HostTree(2);
      host.write(`var/lib/docker/containers/${ID}/config.v2.json`, docker(ID, 'acme'));
      host.add(`docker/${ID}`);
      const probe = host.probe({ acme: { container: 'acme' } }, () => nowMs);
      const states = [await stateOf(probe)];
      rmSync(join(host.root, 'var/lib/docker/containers', ID), { recursive: true });
      host.remove(`docker/${ID}`);
      host.write(`var/lib/docker/containers/${OTHER_ID}/config.v2.json`, docker(OTHER_ID, 'acme'));
      host.add(`docker/${OTHER_ID}`);
      nowMs = 5000;
      states.push(await stateOf(probe));
      nowMs = 30_000;
      states.push(await stateOf(probe));
      assert.deepEqual(states, ['running', 'absent', 'running']);
    });

    it('whose name was given to another container while it goes on, ten minutes later', async () => {
      let nowMs = 0;
      host = new HostTree(2);
      host.write(`var/lib/docker/containers/${ID}/config.v2.json`, docker(ID, 'acme'));
      host.add(`docker/${ID}`);
      host.add(`docker/${OTHER_ID}`, { 'cpu.stat': 'usage_usec 7000000\n' });
      const probe = host.probe({ acme: { container: 'acme' } }, () => nowMs);
      const seconds = [(await sampleOf(probe)).cpuSeconds];
      host.write(`var/lib/docker/containers/${ID}/config.v2.json`, docker(ID, 'acme-old'));
      host.write(`var/lib/docker/containers/${OTHER_ID}/config.v2.json`, docker(OTHER_ID, 'acme'));
      nowMs = 600_000;
      seconds.push((await sampleOf(probe)).cpuSeconds);
      assert.deepEqual(seconds, [2.5, 7]);
    });

    it('keeps its figures apart from those of one that is gone', async () => {
      host = new HostTree(2);
      host.add('acme.scope');
      host.add('globex.scope');
      const probe = host.probe({ acme: { cgroup: 'acme.scope' }, globex: { cgroup: 'globex.scope' } });
      await probe.sample();
      host.remove('acme.scope');
      const { workloads } = await probe.sample();
      assert.deepEqual(
        workloads.map(({ state, cpuSeconds }) => [state, cpuSeconds]),
        [
          ['absent', null],
          ['running', 2.5],
        ],
      );
    });
  });

  describe('calls a workload unreadable', () => {
    it('whose directory may not be searched, or whose files may not be read', async () => {
      host = new HostTree(2);
      host.add('closed/acme.scope');
      host.add('globex.scope');
      host.add('hooli.scope');
      chmodSync(join(host.cgroups, 'closed'), 0o700);
      for (const file of Object.keys(V2_FILES)) chmodSync(join(host.cgroups, 'globex.scope', file), 0o600);
      chmodSync(join(host.cgroups, 'hooli.scope/cpu.stat'), 0o600);
      chmodSync(host.root, 0o755);
      const probe = host.probe({
        acme: { cgroup: 'closed/acme.scope' },
        globex: { cgroup: 'globex.scope' },
        hooli: { cgroup: 'hooli.scope' },
      });
      const { workloads } = await asNobody(() => probe.sample());
      assert.deepEqual(
        workloads.map(({ state, cpuSeconds, memoryBytes }) => [state, cpuSeconds, memoryBytes]),
        [
          ['unreadable', null, null],
          ['unreadable', null, null],
          ['running', null, 104_857_600],
        ],
      );
      assert.equal(await stateOf(probe), 'running');
    });

    it('whose name only the engine knows, and says so in files that may not be read', async () => {
      host = new HostTree(2);
      host.write(`var/lib/docker/containers/${ID}/config.v2.json`, docker(ID, 'acme'));
      host.add(`docker/${ID}`);
      chmodSync(join(host.root, 'var/lib/docker'), 0o700);
      chmodSync(host.root, 0o755);
      const workloads: Record<string, Workload> = { acme: { container: 'acme' }, globex: { container: ID } };
      const seen = await asNobody(() => host.probe(workloads).sample());
      assert.deepEqual(
        seen.workloads.map(({ state }) => state),
        ['unreadable', 'running'],
      );
    });

    it('where no cgroups are mounted', async () => {
      host = new HostTree(2);
      rmSync(host.cgroups, { recursive: true });
      mkdirSync(host.cgroups);
      assert.equal(await stateOf(host.probe({ acme: CGROUP })), 'unreadable');
    });
  });

  it('says when there are more cgroups than it searches', async () => {
    host = new HostTree(2);
    for (let i = 0; i < 600; i++) mkdirSync(join(host.cgroups, `${ALICE}/app.slice/c${i}`), { recursive: true });
    const probe = host.probe({ acme: { unit: 'acme.service' } });
    assert.equal((await probe.sample()).isSearchCutShort, true);
  });
});
