/** Samples the host and the tenants' workloads: CPU, memory, pressure, interface counters, from the kernel's files. */
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Milliseconds } from '../probe.ts';
import type { Sample, SampleProbe, Workload, WorkloadSample } from '../sample.ts';
import { readHost, readMemory } from './hostFacts.ts';
import { findHierarchies } from './hierarchies.ts';
import { OpenFiles, openFilesLimit } from './kernelFile.ts';
import { LimitReader } from './limits.ts';
import { Whereabouts } from './whereabouts.ts';
import { WorkloadReader } from './workloadReader.ts';

/** Sampled in one go, in some 2 ms. */
const SLICE = 50;
/** Left to the rest of the daemon: its sockets, rings and store. */
const SPARED_FILES = 1024;

export interface HostProbeOptions {
  readonly workloads: ReadonlyMap<string /* tenant id */, Workload>;
  /** Of the host's files; the others lie in it if they are not given. */
  readonly root?: string;
  readonly cgroupRoot?: string;
  readonly procRoot?: string;
  /** The wall clock. */
  readonly now?: () => Milliseconds;
}

/** Its files stay open; they are closed with the process. */
export function createHostProbe(options: HostProbeOptions): SampleProbe {
  const { workloads, root = '/' } = options;
  const { cgroupRoot = join(root, 'sys/fs/cgroup'), procRoot = join(root, 'proc'), now = Date.now } = options;
  const hierarchies = findHierarchies(cgroupRoot);
  const openFiles = new OpenFiles(Math.floor((openFilesLimit() - SPARED_FILES) / 2));
  const whereabouts = new Whereabouts(root, hierarchies, [...workloads.values()]);
  const readers = [...workloads].map(([tenant, workload], i) => ({
    workload,
    reader: new WorkloadReader({ tenant, hierarchies, openFiles, phase: i / workloads.size }),
  }));
  const isMissing = (...kinds: readonly string[]): boolean =>
    readers.some(({ workload, reader }) => reader.path === null && kinds.some((kind) => kind in workload));
  const taken = (): Set<string> => new Set(readers.flatMap(({ reader }) => reader.path ?? []));

  async function sampleWorkloads(): Promise<WorkloadSample[]> {
    const limits = new LimitReader();
    const samples: WorkloadSample[] = [];
    for await (const slice of inSlices(readers)) {
      for (const { workload, reader } of slice) {
        samples.push(reader.sample(now(), () => whereabouts.of(workload), limits));
      }
    }
    return samples;
  }

  return {
    async sample(): Promise<Sample> {
      await whereabouts.readNames(now(), isMissing('container', 'user'));
      const memory = await readMemory();
      const atMs = now();
      const host = readHost(procRoot, memory);
      const samples = await sampleWorkloads();
      // For the next round, which knows what belongs to whom.
      if (isMissing('container', 'unit')) await whereabouts.search(now(), taken());
      return { atMs, host, workloads: samples, isSearchCutShort: !whereabouts.isWhole };
    },
  };
}

/** The event loop has its turn before each slice. */
async function* inSlices<Item>(items: readonly Item[]): AsyncGenerator<readonly Item[]> {
  for (let start = 0; start < items.length; start += SLICE) yield nextTurn(items.slice(start, start + SLICE));
}
