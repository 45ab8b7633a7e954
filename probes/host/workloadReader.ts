/** Samples one tenant's workload: finds its cgroup, keeps its files open while it lives, follows it when it goes and comes back. */
import { join } from 'node:path';
import type { Milliseconds } from '../probe.ts';
import type { WorkloadSample } from '../sample.ts';
import { type Figure, type Figures, type Source, sourcesOf, unknownFigures } from './figures.ts';
import type { Hierarchy } from './hierarchies.ts';
import { isGone, isRefusal, KernelFile, type OpenFiles } from './kernelFile.ts';
import { type LimitReader, type Limits, NO_LIMITS } from './limits.ts';
import { inodeOf, locate, type Location } from './locate.ts';

/** Limits change when an administrator changes them. */
const LIMITS_AGE_MS = 30_000;
/** Files come when a controller is enabled, of cgroups that exist. */
const FILES_AGE_MS = 300_000;

export interface ReaderOptions {
  readonly tenant: string;
  readonly hierarchies: readonly Hierarchy[];
  readonly openFiles: OpenFiles;
  /** 0 to 1: spreads over time what all tenants' readers do now and then. */
  readonly phase: number;
}

/** Where a workload's cgroup may be. */
export interface Candidates {
  /** Below the mounts, the likeliest first. */
  readonly paths: readonly string[];
  /** There is more that would tell, and it may not be read. */
  readonly isRefused: boolean;
}

interface OpenSource {
  readonly file: KernelFile;
  readonly figures: Source['figures'];
}

/** A cgroup whose files are open. */
interface Followed {
  readonly location: Location;
  readonly sources: readonly OpenSource[];
  /** There are files that may not be read, and none that may. */
  readonly isUnreadable: boolean;
  readonly reopenAtMs: Milliseconds;
}

export class WorkloadReader {
  readonly #options: ReaderOptions;
  #followed: Followed | null = null;
  #limits = NO_LIMITS;
  #limitsUntilMs = 0;

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  /** Where its cgroup was found; null: it was not, when it was last looked for. */
  get path(): string | null {
    return this.#followed?.location.relativePath ?? null;
  }

  /** `candidates` is asked only when the cgroup is not where it was, and now and then. */
  sample(nowMs: Milliseconds, candidates: () => Candidates, limits: LimitReader): WorkloadSample {
    try {
      const followed = this.#follow(nowMs, candidates);
      if (followed === 'absent' || followed === 'unreadable') return this.#nothing(followed);
      if (followed.isUnreadable) return this.#nothing('unreadable');
      return this.#running(followed, this.#limitsAt(nowMs, followed, limits));
    } catch (error) {
      this.stop();
      return this.#nothing(isRefusal(error) ? 'unreadable' : 'absent');
    }
  }

  /** Closes its files; the next sample opens them again. */
  stop(): void {
    this.#followed?.sources.forEach(({ file }) => file.close());
    this.#followed = null;
  }

  #follow(nowMs: Milliseconds, candidates: () => Candidates): Followed | 'absent' | 'unreadable' {
    if (this.#followed !== null && this.#isStill(this.#followed, nowMs)) return this.#followed;
    this.stop();
    const { paths, isRefused } = candidates();
    const location = this.#locate(paths);
    if (location === null) return isRefused ? 'unreadable' : 'absent';
    this.#limitsUntilMs = 0;
    this.#followed = this.#open(location, nowMs);
    return this.#followed;
  }

  #isStill({ location, reopenAtMs }: Followed, nowMs: Milliseconds): boolean {
    const age = reopenAtMs - nowMs;
    return age > 0 && age <= 2 * FILES_AGE_MS && inodeOf(location.directories[0].path) === location.incarnation;
  }

  #locate(paths: readonly string[]): Location | null {
    for (const path of paths) {
      const location = locate(this.#options.hierarchies, path);
      if (location !== null) return location;
    }
    return null;
  }

  #open(location: Location, nowMs: Milliseconds): Followed {
    const opened = new SourceOpener(this.#options.openFiles);
    for (const { hierarchy, path } of location.directories) {
      for (const source of sourcesOf(hierarchy)) opened.open(path, source);
    }
    const { sources, isRefused } = opened;
    const reopenAtMs = nowMs + FILES_AGE_MS * (1 + this.#options.phase);
    return { location, sources, isUnreadable: isRefused && sources.length === 0, reopenAtMs };
  }

  #limitsAt(nowMs: Milliseconds, { location }: Followed, limits: LimitReader): Limits {
    if (nowMs >= this.#limitsUntilMs || this.#limitsUntilMs - nowMs > 2 * LIMITS_AGE_MS) {
      this.#limits = limits.of(location.directories);
      this.#limitsUntilMs = nowMs + LIMITS_AGE_MS * (0.5 + this.#options.phase);
    }
    return this.#limits;
  }

  #running({ location, sources }: Followed, limits: Limits): WorkloadSample {
    const figures = unknownFigures();
    for (const source of sources) readInto(figures, source);
    return toSample(this.#options.tenant, location.incarnation, figures, limits);
  }

  #nothing(state: 'absent' | 'unreadable'): WorkloadSample {
    const { tenant, hierarchies } = this.#options;
    const known = hierarchies.length === 0 ? 'unreadable' : state;
    return { ...toSample(tenant, 0, unknownFigures(), NO_LIMITS), state: known };
  }
}

/** Opens what is there of the sources of a workload; a figure that one has already is not read again. */
class SourceOpener {
  readonly sources: OpenSource[] = [];
  isRefused = false;
  readonly #openFiles: OpenFiles;
  readonly #covered = new Set<Figure>();

  constructor(openFiles: OpenFiles) {
    this.#openFiles = openFiles;
  }

  open(directory: string, { file, figures }: Source): void {
    if (figures.every(([figure]) => this.#covered.has(figure))) return;
    try {
      this.sources.push({ file: new KernelFile(join(directory, file), this.#openFiles), figures });
      figures.forEach(([figure]) => this.#covered.add(figure));
    } catch (error) {
      if (isRefusal(error)) this.isRefused = true;
    }
  }
}

/** A file that cannot be read leaves its figures unknown. Throws when its cgroup has gone away meanwhile. */
function readInto(known: Figures, { file, figures }: OpenSource): void {
  let text: string | null;
  try {
    text = file.read();
  } catch (error) {
    if (isGone(error)) throw error;
    return;
  }
  if (text === null) return;
  for (const [figure, parse] of figures) known[figure] ??= parse(text);
}

function toSample(tenant: string, incarnation: number, figures: Figures, limits: Limits): WorkloadSample {
  const { memoryBytes, inactiveFileBytes } = figures;
  return {
    tenant,
    state: 'running',
    incarnation,
    cpuSeconds: figures.cpuSeconds,
    cpuLimitCores: orNone(limits.cpuCores),
    throttledSeconds: figures.throttledSeconds,
    memoryBytes,
    memoryLimitBytes: orNone(Math.min(limits.memoryBytes, figures.memoryLimitBytes ?? Infinity)),
    // The two were not read at the same moment.
    workingSetBytes:
      memoryBytes === null || inactiveFileBytes === null ? null : Math.max(memoryBytes - inactiveFileBytes, 0),
    oomKills: figures.oomKills,
    pressure: {
      cpuSomeSeconds: figures.cpuSomeSeconds,
      memorySomeSeconds: figures.memorySomeSeconds,
      memoryFullSeconds: figures.memoryFullSeconds,
    },
  };
}

const orNone = (limit: number): number | null => (limit === Infinity ? null : limit);
