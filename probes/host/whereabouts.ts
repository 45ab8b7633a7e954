/** Where a workload's cgroup may be, by whatever it is named: asks /etc/passwd, the engines' files and, where all else fails, the trees. */
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Milliseconds } from '../probe.ts';
import type { Workload } from '../sample.ts';
import { CgroupIndex } from './cgroupIndex.ts';
import { containerKey, isFullId, isId, pathsOfId, pathsOfName, unitKey } from './cgroupNames.ts';
import { ContainerNames } from './containerNames.ts';
import type { Hierarchy } from './hierarchies.ts';
import { readWholeIfAny } from './kernelFile.ts';
import { unitPaths, userSlice } from './unitPaths.ts';
import { parseUsers, type User } from './users.ts';
import type { Candidates } from './workloadReader.ts';

/** How old what was read of names may be, while all workloads are there, and while one is missing. */
const NAMES_AGE_MS = 300_000;
const MISSING_AGE_MS = 30_000;
/** A home may lie on a file system that hangs. */
const PATIENCE_MS = 1000;

const NOWHERE: Candidates = { paths: [], isRefused: false };

export class Whereabouts {
  readonly #root: string;
  readonly #index: CgroupIndex;
  /** Of the containers: a user's name or uid, or null, which comes first, for those of root's engines. */
  readonly #owners: ReadonlySet<string | null>;
  readonly #isNamed: boolean;
  #users: ReadonlyMap<string, User> = new Map();
  readonly #names = new Map<string | null, ContainerNames>();
  #readMs: Milliseconds | null = null;
  #reading: Promise<void> | null = null;

  /** `root`: of the host's files, `/` but for tests. */
  constructor(root: string, hierarchies: readonly Hierarchy[], workloads: readonly Workload[]) {
    this.#root = root;
    this.#index = new CgroupIndex(hierarchies.map((hierarchy) => hierarchy.root));
    const owners = workloads.flatMap((each) => ('container' in each ? [ownerOf(each.container)[0]] : []));
    this.#owners = new Set(owners.toSorted((a, b) => Number(b === null) - Number(a === null)));
    this.#isNamed = this.#owners.size > 0 || workloads.some((each) => 'user' in each);
  }

  /** Whether the last search saw all cgroups there are. */
  get isWhole(): boolean {
    return this.#index.isWhole;
  }

  of(workload: Workload): Candidates {
    if ('cgroup' in workload) return { ...NOWHERE, paths: [workload.cgroup] };
    if ('unit' in workload) return { ...NOWHERE, paths: this.#pathsOfUnit(workload.unit) };
    if ('container' in workload) return this.#ofContainer(workload.container);
    const uid = this.#uidOf(workload.user);
    return uid === null ? NOWHERE : { ...NOWHERE, paths: [userSlice(uid)] };
  }

  #pathsOfUnit(unit: string): readonly string[] {
    return [...unitPaths(unit), ...this.#index.pathsOf(unitKey(unit))];
  }

  #ofContainer(container: string): Candidates {
    const [owner, name] = ownerOf(container);
    const uid = owner === null ? null : this.#uidOf(owner);
    const names = this.#names.get(owner);
    if (owner !== null && uid === null) return NOWHERE;
    const ids = [...(names?.idsOf(name) ?? []), ...(isId(name) ? [name] : [])];
    const byName = uid === null ? pathsOfName(name) : [];
    const paths = [...ids.flatMap((id) => this.#pathsOfId(uid, id)), ...byName, ...this.#found(uid, name)];
    return { paths, isRefused: ids.length === 0 && names?.isRefused === true };
  }

  #pathsOfId(uid: string | null, id: string): readonly string[] {
    return [...(isFullId(id) ? pathsOfId(uid, id) : []), ...this.#found(uid, id)];
  }

  /** Of an id the key has the first digits alone. */
  #found(uid: string | null, nameOrId: string): readonly string[] {
    const paths = this.#index.pathsOf(containerKey(uid, nameOrId));
    return isId(nameOrId) ? paths.filter((path) => path.includes(nameOrId)) : paths;
  }

  #uidOf(nameOrUid: string): string | null {
    return this.#users.get(nameOrUid)?.uid ?? (/^\d+$/.test(nameOrUid) ? nameOrUid : null);
  }

  /** Reads who has which name, as far as that is due; what takes too long is there at the next time. */
  async readNames(nowMs: Milliseconds, isMissing: boolean): Promise<void> {
    const ageMs = this.#readMs === null ? Infinity : Math.abs(nowMs - this.#readMs);
    if (!this.#isNamed || ageMs < (isMissing ? MISSING_AGE_MS : NAMES_AGE_MS)) return;
    this.#readMs = nowMs;
    this.#users = parseUsers(readWholeIfAny(join(this.#root, 'etc/passwd')) ?? '');
    this.#reading ??= this.#readContainers();
    await Promise.race([this.#reading, setTimeout(PATIENCE_MS, undefined, { ref: false })]);
  }

  async #readContainers(): Promise<void> {
    for await (const _ of this.#containersInTurn());
    this.#reading = null;
  }

  async *#containersInTurn(): AsyncGenerator<void> {
    for (const owner of this.#owners) yield this.#namesOf(owner)?.read();
  }

  /** null: nobody knows the owner's home. */
  #namesOf(owner: string | null): ContainerNames | null {
    const home = owner === null ? null : this.#users.get(owner)?.home;
    const known = this.#names.get(owner) ?? null;
    if (known !== null || home === undefined) return known;
    const names = new ContainerNames(this.#root, home);
    this.#names.set(owner, names);
    return names;
  }

  /** Looks for all cgroups there are, if that is due; not into those that are `taken`, which are tenants' own. */
  async search(nowMs: Milliseconds, taken: ReadonlySet<string>): Promise<void> {
    if (this.#index.isDue(nowMs)) await this.#index.search(nowMs, taken);
  }
}

/** `alice/pbx`: the user's own; `pbx`: root's. */
function ownerOf(container: string): readonly [owner: string | null, nameOrId: string] {
  const slash = container.indexOf('/');
  return slash < 0 ? [null, container] : [container.slice(0, slash), container.slice(slash + 1)];
}
