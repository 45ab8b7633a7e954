/** The tightest limit of a cgroup and all of its ancestors, up to the root of its hierarchy. Unknown or none is Infinity. */
import { dirname, join } from 'node:path';
import { coresOf, parseCpuMax, parseMemoryLimit, parseNumber } from './cgroupText.ts';
import type { Hierarchy } from './hierarchies.ts';
import { readTextIfAny } from './kernelFile.ts';

export interface Limits {
  readonly cpuCores: number;
  readonly memoryBytes: number;
}

export interface CgroupDirectory {
  readonly hierarchy: Hierarchy;
  readonly path: string;
}

export const NO_LIMITS: Limits = { cpuCores: Infinity, memoryBytes: Infinity };

/** Remembers each directory that it has read: one for all tenants of a round, as they share their ancestors. */
export class LimitReader {
  readonly #limits = new Map<string, Limits>();

  of(directories: readonly CgroupDirectory[]): Limits {
    return directories.map((each) => this.#ofDirectory(each)).reduce(tighter, NO_LIMITS);
  }

  #ofDirectory({ hierarchy, path }: CgroupDirectory): Limits {
    const known = this.#limits.get(path);
    if (known !== undefined) return known;
    const own = ownLimits(hierarchy, path);
    const isRoot = path === hierarchy.root || path === dirname(path);
    const limits = isRoot ? own : tighter(own, this.#ofDirectory({ hierarchy, path: dirname(path) }));
    this.#limits.set(path, limits);
    return limits;
  }
}

const tighter = (a: Limits, b: Limits): Limits => ({
  cpuCores: Math.min(a.cpuCores, b.cpuCores),
  memoryBytes: Math.min(a.memoryBytes, b.memoryBytes),
});

/** Of v1 the memory limit is not read here: memory.stat has the tightest of all ancestors. */
function ownLimits({ version, controllers }: Hierarchy, path: string): Limits {
  if (version === 2) {
    return {
      cpuCores: parsed(join(path, 'cpu.max'), parseCpuMax) ?? Infinity,
      memoryBytes: parsed(join(path, 'memory.max'), parseMemoryLimit) ?? Infinity,
    };
  }
  return controllers.includes('cpu') ? { ...NO_LIMITS, cpuCores: quotaCores(path) ?? Infinity } : NO_LIMITS;
}

/** -1 for no quota, which is no number of ours. */
const quotaCores = (path: string): number | null =>
  coresOf(parsed(join(path, 'cpu.cfs_quota_us'), parseNumber), parsed(join(path, 'cpu.cfs_period_us'), parseNumber));

function parsed(path: string, parse: (text: string) => number | null): number | null {
  const text = readTextIfAny(path);
  return text === null ? null : parse(text);
}
