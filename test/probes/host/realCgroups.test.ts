import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { configSchema } from '../../../daemon/config/schema.ts';
import type { Incident } from '../../../daemon/incidents/incident.ts';
import { Sampler } from '../../../daemon/metering/sampler.ts';
import { TenantDirectory } from '../../../daemon/tenants/directory.ts';
import { Pipeline } from '../../../daemon/pipeline.ts';
import { createHostProbe } from '../../../probes/host/hostProbe.ts';
import { isGone, KernelFile, OpenFiles } from '../../../probes/host/kernelFile.ts';
import type { SampleProbe, Workload, WorkloadSample } from '../../../probes/sample.ts';
import { until } from '../../lab/until.ts';
import { mountsOf, TestCgroups } from '../../support/cgroups.ts';
import { pendingWithout } from '../../support/needs.ts';

const NAMED_WITHIN_MS = 15_000;
const ROUND_MS = 200;
const MINUTE_MS = 60_000;
/** So that a busy machine, or one of many processors, changes nothing. */
const LEAST_SHARE = 0.01;
const DETECTORS = {
  cpuOveruse: { share: 0.01, for: '1s', harmfulShare: 0.01, harmfulFor: '1s' },
  memoryOveruse: { share: LEAST_SHARE, for: '1s' },
};

/** Below the root of every hierarchy; with it goes all that a test has made. */
const HOME = `weir-test-${process.pid}`;

async function sampleOf(probe: SampleProbe): Promise<WorkloadSample> {
  const [sample] = (await probe.sample()).workloads;
  assert(sample, 'no sample');
  return sample;
}

/** What opens while rounds follow one another, until `isEnough`. */
async function incidentsOf(
  probe: SampleProbe,
  tenantIds: readonly string[],
  isEnough: (incidents: readonly Incident[]) => boolean,
): Promise<readonly Incident[]> {
  const tenants = tenantIds.map((id, i) => ({ id, addresses: [`198.51.100.${i + 1}`] }));
  const config = configSchema().parse({ tenants, detectors: DETECTORS });
  const directory = new TenantDirectory(config.tenants);
  const pipeline = new Pipeline(config, { tenants: config.tenants, directory, hashSeed: 1 });
  const { promise, resolve, reject } = Promise.withResolvers<readonly Incident[]>();
  const sampler = new Sampler({
    probe,
    everyMs: ROUND_MS,
    tenantIds,
    onSample: (_, window) => {
      if (window !== null) pipeline.observe('host', window);
      if (isEnough(pipeline.incidents.open())) resolve(pipeline.incidents.open());
    },
    onFailure: (reason) => reject(new Error(reason)),
  });
  sampler.start();
  const late = setTimeout(() => resolve(pipeline.incidents.open()), NAMED_WITHIN_MS);
  try {
    return await promise;
  } finally {
    clearTimeout(late);
    sampler.stop();
  }
}

interface Kernel {
  readonly title: string;
  /** What a mount accounts; without the memory controller nothing tells who holds memory. */
  readonly hasMemory: boolean;
  /** Of the limits, by file; 64 MiB, and a fifth of a processor. */
  readonly limits: Readonly<Record<string, string>>;
  /** Where the hierarchies are, and their roots; null: this machine has none of its version. */
  readonly mount: () => { readonly cgroupRoot: string; readonly roots: readonly string[] } | null;
  readonly unmount: (cgroupRoot: string) => void;
}

const v1Roots = mountsOf(1);
const hasMemoryInV1 = v1Roots.some((root) => root.endsWith('/memory'));
const v1: Kernel = {
  title: `v1${hasMemoryInV1 ? '' : ' without the memory controller'}`,
  hasMemory: hasMemoryInV1,
  limits: { 'memory.limit_in_bytes': String(2 ** 26), 'cpu.cfs_quota_us': '20000' },
  mount: () => (v1Roots.length === 0 ? null : { cgroupRoot: '/sys/fs/cgroup', roots: v1Roots }),
  unmount: () => {},
};

/** Mounted for the test: v2 is one tree, whichever mounts there are, and has what v1 does not account. */
const hasMemoryInV2 = mountsOf(2).some((root) =>
  readFileSync(join(root, 'cgroup.subtree_control'), 'utf8').includes('memory'),
);
const v2: Kernel = {
  title: `v2${hasMemoryInV2 ? '' : ' without the memory controller, which v1 has'}`,
  hasMemory: hasMemoryInV2,
  limits: { 'memory.max': String(2 ** 26), 'cpu.max': '20000 100000' },
  mount: () => {
    const directory = mkdtempSync(join(tmpdir(), 'weir-cgroup2-'));
    execFileSync('mount', ['-t', 'cgroup2', 'none', directory]);
    return { cgroupRoot: directory, roots: [directory] };
  },
  unmount: (directory) => {
    // A probe keeps its files open.
    execFileSync('umount', ['--lazy', directory]);
    rmdirSync(directory);
  },
};

for (const { title, hasMemory, limits, mount, unmount } of [v1, v2]) {
  describe(`createHostProbe on the kernel's cgroups ${title}`, function () {
    this.timeout(30_000);
    let mounted: ReturnType<typeof mount> = null;
    let cgroups: TestCgroups;

    before(function () {
      mounted = mount();
      if (mounted === null) pendingWithout(this, `cgroups ${title}`);
    });
    after(() => mounted !== null && unmount(mounted.cgroupRoot));
    beforeEach(() => {
      cgroups = new TestCgroups(mounted?.roots ?? []);
    });
    afterEach(() => cgroups.removeAll());

    const probeOf = (workloads: Readonly<Record<string, Workload>>, now = Date.now): SampleProbe =>
      createHostProbe({
        workloads: new Map(Object.entries(workloads)),
        cgroupRoot: mounted?.cgroupRoot ?? assert.fail('nothing is mounted'),
        now,
      });

    it('tells one that was made anew between two rounds from the one that was there', async () => {
      cgroups.add(`${HOME}/acme`);
      const probe = probeOf({ acme: { cgroup: `${HOME}/acme` } });
      const before = await sampleOf(probe);
      cgroups.remove(`${HOME}/acme`);
      cgroups.add(`${HOME}/acme`);
      const after = await sampleOf(probe);
      cgroups.remove(`${HOME}/acme`);
      const gone = await sampleOf(probe);
      assert.deepEqual([before.state, after.state, gone.state], ['running', 'running', 'absent']);
      assert.notEqual(after.incarnation, before.incarnation);
    });

    it('has nothing to read in a file whose cgroup has gone meanwhile', () => {
      cgroups.add(`${HOME}/acme`);
      const [root = ''] = mounted?.roots ?? [];
      const file = new KernelFile(join(root, HOME, 'acme/cgroup.procs'), new OpenFiles(1));
      assert.equal(file.read(), '');
      cgroups.remove(`${HOME}/acme`);
      assert.throws(() => file.read(), isGone);
      file.close();
    });

    it('finds a unit again that is in another slice now, within a minute', async () => {
      let nowMs = Date.now();
      const unit = `${HOME}.service`;
      cgroups.add(`${HOME}a.slice/${unit}`);
      const probe = probeOf({ acme: { unit } }, () => nowMs);
      await probe.sample();
      const states = [(await sampleOf(probe)).state];
      cgroups.remove(`${HOME}a.slice/${unit}`);
      cgroups.add(`${HOME}b.slice/${unit}`);
      states.push((await sampleOf(probe)).state);
      nowMs += MINUTE_MS;
      await probe.sample();
      states.push((await sampleOf(probe)).state);
      assert.deepEqual(states, ['running', 'absent', 'running']);
    });

    it('counts the CPU time that a process takes', async () => {
      cgroups.add(`${HOME}/acme`);
      const probe = probeOf({ acme: { cgroup: `${HOME}/acme` } });
      const { pid = 0 } = await cgroups.run(`${HOME}/acme`, { burn: 1 });
      const before = await sampleOf(probe);
      const startSeconds = cpuSecondsOf(pid);
      await until('CPU time', NAMED_WITHIN_MS, async () => cpuSecondsOf(pid) > startSeconds + 0.5);
      const taken = ((await sampleOf(probe)).cpuSeconds ?? 0) - (before.cpuSeconds ?? 0);
      // It goes on while it is read.
      assert(taken > 0.45 && taken < cpuSecondsOf(pid) - startSeconds + 0.1, `${taken} s`);
    });

    it(`names who burns CPU${hasMemory ? ', who holds memory,' : ''} and not who is idle`, async () => {
      const tenants = ['burning', 'eating', 'idle'];
      for (const tenant of tenants) cgroups.add(`${HOME}/${tenant}`);
      await cgroups.run(`${HOME}/idle`);
      if (hasMemory) await cgroups.run(`${HOME}/eating`, { bytes: 1.5 * LEAST_SHARE * totalmem() });
      await cgroups.run(`${HOME}/burning`, { burn: availableParallelism() + 1 });
      const probe = probeOf(Object.fromEntries(tenants.map((tenant) => [tenant, { cgroup: `${HOME}/${tenant}` }])));
      const expected = ['critical cpuOveruse burning', ...(hasMemory ? ['memoryOveruse eating'] : [])];
      const incidents = await incidentsOf(probe, tenants, (open) => told(open).join() === expected.join());
      assert.deepEqual(told(incidents), expected);
    });

    if (!hasMemory) return;

    it('counts what is killed for want of memory, and knows the limits', async () => {
      cgroups.add(`${HOME}/acme`);
      const files = (mounted?.roots ?? []).flatMap((root) =>
        Object.entries(limits).map(([file, value]) => [join(root, HOME, 'acme', file), value] as const),
      );
      for (const [file, value] of files.filter(([path]) => existsSync(path))) writeFileSync(file, value);
      const probe = probeOf({ acme: { cgroup: `${HOME}/acme` } });
      const child = await cgroups.run(`${HOME}/acme`, { bytes: 2 ** 28 });
      const { oomKills, memoryLimitBytes, cpuLimitCores } = await sampleOf(probe);
      assert.equal(child.signalCode, 'SIGKILL');
      assert.deepEqual([oomKills, memoryLimitBytes, cpuLimitCores], [1, 2 ** 26, 0.2]);
    });
  });
}

/** proc(5): utime and stime, in hundredths of a second. */
function cpuSecondsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Whether memory is short as well is not of the test's making. */
const told = (incidents: readonly Incident[]): string[] =>
  incidents
    .map(
      ({ signature, severity, tenant }) => `${signature === 'cpuOveruse' ? `${severity} ` : ''}${signature} ${tenant}`,
    )
    .toSorted();
