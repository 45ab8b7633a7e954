/** Finds the cgroup hierarchies below a mount: the one of v2, or those of v1, beside which v2 may be without controllers. */
import { realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';

export interface Hierarchy {
  readonly version: 1 | 2;
  /** v1: what it accounts; v2: empty, for each directory has the files of what is accounted in it. */
  readonly controllers: readonly Controller[];
  /** Without symbolic links, as cpu is one to cpu,cpuacct. */
  readonly root: string;
}

export type Controller = 'cpu' | 'cpuacct' | 'memory';

/** Names of the mounts of v1; controllers that are mounted together have one of both names, by distribution and age. */
const V1_MOUNTS: readonly (readonly [controller: Controller, names: readonly string[]])[] = [
  ['cpuacct', ['cpuacct', 'cpu,cpuacct', 'cpuacct,cpu']],
  ['cpu', ['cpu', 'cpu,cpuacct', 'cpuacct,cpu']],
  ['memory', ['memory']],
];
/** systemd's own: v2, or a v1 hierarchy without controllers. Nothing is read there but that a cgroup exists. */
const V2_MOUNT = 'unified';
const SYSTEMD_MOUNT = 'systemd';

/** Those whose figures are preferred first; none where nothing is mounted. */
export function findHierarchies(cgroupRoot: string): readonly Hierarchy[] {
  if (isUnified(cgroupRoot)) return [{ version: 2, controllers: [], root: realpathSync(cgroupRoot) }];
  const unified = join(cgroupRoot, V2_MOUNT);
  return [
    ...findControllers(cgroupRoot),
    ...(isUnified(unified) ? [{ version: 2 as const, controllers: [], root: realpathSync(unified) }] : []),
    ...ifMounted(join(cgroupRoot, SYSTEMD_MOUNT), []),
  ];
}

function findControllers(cgroupRoot: string): readonly Hierarchy[] {
  const byRoot = new Map<string, Controller[]>();
  for (const [controller, names] of V1_MOUNTS) {
    const [mounted] = names.flatMap((name) => ifMounted(join(cgroupRoot, name), []));
    if (mounted !== undefined) byRoot.set(mounted.root, [...(byRoot.get(mounted.root) ?? []), controller]);
  }
  return [...byRoot].map(([root, controllers]) => ({ version: 1, controllers, root }));
}

const ifMounted = (path: string, controllers: readonly Controller[]): readonly Hierarchy[] =>
  exists(join(path, 'cgroup.procs')) ? [{ version: 1, controllers, root: realpathSync(path) }] : [];

const isUnified = (path: string): boolean => exists(join(path, 'cgroup.controllers'));

function exists(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}
