/** Finds a workload's cgroup by its path, in each hierarchy that has it. */
import { realpathSync, statSync } from 'node:fs';
import type { Hierarchy } from './hierarchies.ts';
import type { CgroupDirectory } from './limits.ts';

export interface Location {
  readonly relativePath: string;
  /** Not empty. */
  readonly directories: readonly [CgroupDirectory, ...CgroupDirectory[]];
  /** The inode of the first: the kernel numbers cgroups one after the other, so that one made anew has another one. */
  readonly incarnation: number;
}

/** null: in no hierarchy. Throws the system's error, as for a directory that may not be searched. */
export function locate(hierarchies: readonly Hierarchy[], relativePath: string): Location | null {
  const [first, ...others] = hierarchies.flatMap((hierarchy) => {
    const path = `${hierarchy.root}/${relativePath}`;
    return isCgroup(path) ? [{ hierarchy, path }] : [];
  });
  const incarnation = first === undefined ? null : inodeOf(first.path);
  if (first === undefined || incarnation === null) return null;
  return { relativePath, directories: [first, ...others], incarnation };
}

/** null: there is no such file. */
export const inodeOf = (path: string): number | null => statSync(path, { throwIfNoEntry: false })?.ino ?? null;

/** Below the root, and by no symbolic link nor `..`: cgroups have neither, and what has leads elsewhere. */
const isCgroup = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() === true && realpathSync.native(path) === path;
