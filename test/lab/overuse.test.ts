import assert from 'node:assert/strict';
import { availableParallelism, totalmem } from 'node:os';
import type { Incident } from '../../daemon/incidents/incident.ts';
import { mountsOf, TestCgroups } from '../support/cgroups.ts';
import { labConfiguration } from './configuration.ts';
import { Lab } from './lab.ts';
import { LabDaemon } from './labDaemon.ts';

const NAMED_WITHIN_MS = 20_000;
/** Of this machine, however many processors it has and whatever else runs on it. */
const LEAST_SHARE = 0.01;
const DETECTORS = {
  cpuOveruse: { share: LEAST_SHARE, for: '2s', harmfulShare: LEAST_SHARE, harmfulFor: '2s' },
  memoryOveruse: { share: LEAST_SHARE, for: '2s' },
};
/** The daemon is in the network namespace of the lab, where `ip netns exec` has left no cgroups in /sys. */
const WITH_CGROUPS = ['nsenter', `--mount=/proc/${process.pid}/ns/mnt`];

describe('the daemon on tenants that burn CPU, hold memory, and do nothing', function () {
  this.timeout(60_000);
  let lab: Lab;
  let cgroups: TestCgroups;

  before(() => {
    lab = new Lab();
    cgroups = new TestCgroups([...mountsOf(1), ...mountsOf(2)]);
  });
  after(async () => {
    await cgroups.removeAll();
    await lab.stop();
  });

  it('names the one and the other, each by what it is, shows all three, and sees a container go and come back', async () => {
    const name = `weir-test-${process.pid}`;
    const places = { acme: `lxc.payload.${name}`, birch: `system.slice/${name}.service`, cedar: name };
    for (const path of Object.values(places)) cgroups.add(path);
    await cgroups.run(places.cedar);
    await cgroups.run(places.birch, { bytes: 1.5 * LEAST_SHARE * totalmem() });
    const burning = await cgroups.run(places.acme, { burn: availableParallelism() + 1 });
    const workloads = { acme: { container: name }, birch: { unit: `${name}.service` }, cedar: { cgroup: name } };
    const sections = { host: { every: '1s' }, detectors: DETECTORS };
    const daemon = await LabDaemon.start(lab, labConfiguration({ workloads, sections }), { prefix: WITH_CGROUPS });

    const { incidents, tenants, host } = await daemon.until('both incidents', NAMED_WITHIN_MS, (status) => {
      const named = new Set(status.incidents.map(({ signature }) => signature));
      return named.has('cpuOveruse') && named.has('memoryOveruse') && status;
    });
    assert.deepEqual(incidents.map(told).toSorted(), [
      'acme cpuOveruse resource.cpu',
      'birch memoryOveruse resource.memory',
    ]);
    assert.equal(incidents.find(({ tenant }) => tenant === 'acme')?.severity, 'critical');
    const states = tenants.map(({ id, workload }) => `${id} ${workload?.name} ${workload?.state}`);
    assert.deepEqual(states, [
      `acme container ${name} running`,
      `birch unit ${name}.service running`,
      `cedar cgroup ${name} running`,
      'dogwood undefined undefined',
    ]);
    assert((host?.cpuCores ?? 0) > 0 && host?.failedRounds === 0);

    const acmeIs = (state: string): Promise<boolean> =>
      daemon.until(`acme ${state}`, NAMED_WITHIN_MS, (status) =>
        status.tenants.some(({ id, workload }) => id === 'acme' && workload?.state === state),
      );
    await cgroups.end(burning);
    cgroups.remove(places.acme);
    await acmeIs('absent');
    cgroups.add(places.acme);
    await acmeIs('running');
  });
});

const told = ({ tenant, signature, clause }: Incident): string => `${tenant} ${signature} ${clause}`;
