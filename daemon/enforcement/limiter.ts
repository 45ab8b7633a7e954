/**
 * Keeps the kernel at the limits that are wanted. What changes is planned and carried out alone; where anything fails, or is
 * not as it was left, all that stands is read and compared, until there is no difference.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { messageOf } from '../messageOf.ts';
import { type Capabilities, MISSING_PACKAGE } from './capabilities.ts';
import { type Executor, type Scope, TcError } from './executor.ts';
import { type Counter, type KernelState, leafCounterKey, type QueueCounter } from './kernelState.ts';
import type { Limit } from './limit.ts';
import { type Group, objectsOf, type Plan, planLimits, type Refusal } from './plan.ts';
import { isEmpty, planSteps, type Steps } from './reconcile.ts';
import {
  BULK,
  classidOf,
  DEVICE_NAME,
  devicesOf,
  inboundDevice,
  outboundDevice,
  shardOf,
  standingOf,
  type StandingObject,
  VOICE,
} from './tcObject.ts';

/**
 * Two are usual: one that works, one that finds nothing left. A u32 table can be removed only once the kernel has freed
 * the link to it (cls_u32.c frees after a grace period, seen to take 15 ms), so that some rounds may fail on the way.
 */
const MAX_ROUNDS = 10;
const PAUSE_MS = 5;
/** Limits that are set at once; the event loop has a turn before the next ones. */
const SLICE = 100;
/** Interfaces of tenants that one `check` looks at; the next one goes on from there. */
const LOOKS = 16;

export interface DirectionState {
  /** What came to the limit: what passed and what was dropped, whose bytes are estimated; null: not read yet. */
  readonly offered: Counter | null;
  /** What passed each queue and what it dropped. */
  readonly voice: QueueCounter | null;
  readonly bulk: QueueCounter | null;
}

export interface LimitState extends Limit {
  /** Why it is not in force; null: it is. */
  readonly refused: string | null;
  readonly outbound: DirectionState;
  readonly inbound: DirectionState;
}

export interface LimiterState {
  /** null: not started. */
  readonly capabilities: Capabilities | null;
  /** The message of the last failure; null: the kernel is as wanted. */
  readonly error: string | null;
  /** When the counters were read, by performance.now(). */
  readonly readMs: number;
  readonly limits: readonly LimitState[];
}

/** Enough to plan nothing. */
const UNKNOWN: Capabilities = { fqCodel: false, missing: [] };

type Groups = ReadonlyMap<string, Group>;
const NONE: Groups = new Map();

export class Limiter {
  readonly #executor: Executor;
  #exempt: readonly string[];
  #queue: Promise<unknown> = Promise.resolve();
  #capabilities: Capabilities | null = null;
  #limits: readonly Limit[] = [];
  #refused: ReadonlyMap<Limit, string> = new Map();
  /** What stands, as it was planned; null: not known. */
  #stands: Groups | null = null;
  /** Of what is watched, and why something cannot be used, as last read. */
  #interfaces = new Map<string, string>();
  #blocked = new Map<string, string>();
  #leaves: ReadonlyMap<string, QueueCounter> = new Map();
  #readMs = Number.NaN;
  /** Of what stands, when it was last known to be as planned; null: something was changed since. */
  #fingerprint: string | null = null;
  #firstLook = 0;
  #error: string | null = null;

  /** No packet to or from `exempt` is limited. */
  constructor(executor: Executor, exempt: readonly string[] = []) {
    this.#executor = executor;
    this.#exempt = exempt;
  }

  /**
   * Adopts what a killed daemon left in the kernel: what the limits want stays, the rest goes. Rejects where the kernel
   * cannot limit at all, or not by this user.
   */
  start(limits: readonly Limit[] = []): Promise<void> {
    return this.#inTurn(async () => {
      const capabilities = await this.#executor.probe();
      if (capabilities.missing.length > 0) throw new Error(explainMissing(capabilities.missing));
      this.#capabilities = capabilities;
      this.#limits = limits;
      await this.#reconcile();
    });
  }

  /** Removes what a killed daemon left, and nothing else: no device is made to find out what the kernel can do. Whether there was any. */
  async clean(): Promise<boolean> {
    let isChanged = false;
    await this.#inTurn(async () => {
      isChanged = await this.#reconcile();
    });
    return isChanged;
  }

  /** Rejects with what failed; the limits stay wanted, and the next `apply` or `check` goes on from what stands. */
  apply(limits: readonly Limit[]): Promise<void> {
    return this.#inTurn(() => this.#approach(limits));
  }

  /** No packet to or from these is limited from now on. */
  exempt(prefixes: readonly string[]): Promise<void> {
    return this.#inTurn(async () => {
      if (prefixes.join() === this.#exempt.join()) return;
      this.#exempt = prefixes;
      if (this.#limits.length > 0) await this.#reconcile();
    });
  }

  /** Leaves the interfaces as they were found. */
  stop(): Promise<void> {
    return this.#inTurn(async () => {
      this.#limits = [];
      await this.#reconcile();
    });
  }

  /**
   * The watchdog, cheap enough for every tick: where a device or an interface went away, went down or was made anew,
   * steering to what is not there is removed, and the limits are put back.
   */
  check(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#capabilities === null || (this.#limits.length === 0 && this.#error === null)) return;
      if (this.#error !== null || !this.#areAsLeft(this.#namesToLookAt())) await this.#reconcile();
    });
  }

  /** Compares what stands with what is wanted, and puts back what somebody else has changed. */
  verify(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#capabilities === null || this.#limits.length === 0) return;
      // A device that is gone cannot be shown.
      const fingerprint = await this.#executor.fingerprint(scopeOf(this.#stands ?? NONE)).catch(() => null);
      if (fingerprint !== null && fingerprint === this.#fingerprint) return;
      const isChanged = await this.#reconcile();
      this.#fingerprint = isChanged || this.#refused.size > 0 ? null : fingerprint;
    });
  }

  /** Reads the counters. */
  count(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#stands === null || this.#stands.size === 0) return;
      const leaves = await this.#executor.count(scopeOf(this.#stands).devices).catch(() => null);
      if (leaves === null) await this.#reconcile();
      else this.#noteCounters(leaves);
    });
  }

  /** As in `state`, which takes a while where limits are many. */
  get error(): string | null {
    return this.#error;
  }

  get readMs(): number {
    return this.#readMs;
  }

  state(): LimiterState {
    const limits = this.#limits.map((limit) => ({
      ...limit,
      refused: this.#refused.get(limit) ?? null,
      outbound: this.#direction(limit, outboundDevice(shardOf(limit.slot)).name),
      inbound: this.#direction(limit, inboundDevice(shardOf(limit.slot)).name),
    }));
    return { capabilities: this.#capabilities, error: this.#error, readMs: this.#readMs, limits };
  }

  #direction({ slot }: Limit, device: string): DirectionState {
    const leaf = (part: number) => this.#leaves.get(leafCounterKey(device, classidOf(slot, part))) ?? null;
    const [voice, bulk] = [leaf(VOICE), leaf(BULK)];
    return { offered: voice === null || bulk === null ? null : offered(voice, bulk), voice, bulk };
  }

  /** One after the other: two writers would interleave their steps. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#queue.then(() => this.#noteError(work));
    this.#queue = turn.catch(() => {});
    return turn;
  }

  async #noteError(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.#error = null;
    } catch (error) {
      this.#stands = null;
      this.#error = messageOf(error);
      throw error;
    }
  }

  #noteCounters(leaves: ReadonlyMap<string, QueueCounter>): void {
    this.#leaves = leaves;
    this.#readMs = performance.now();
  }

  /** What is wanted no longer goes at once; what is new comes in slices. */
  async #approach(limits: readonly Limit[]): Promise<void> {
    const before = new Set(this.#limits.map(keyOf));
    const fresh = limits.filter((limit) => !before.has(keyOf(limit)));
    try {
      await this.#slices(
        limits.filter((limit) => before.has(keyOf(limit))),
        fresh,
      );
    } finally {
      this.#limits = limits;
    }
  }

  async #slices(standing: readonly Limit[], fresh: readonly Limit[]): Promise<void> {
    const next = [...standing, ...fresh.slice(0, SLICE)];
    await this.#bring(next);
    if (fresh.length > SLICE) await this.#slices(next, fresh.slice(SLICE));
  }

  /** Carries out the difference between what stands and the plan. */
  async #bring(limits: readonly Limit[]): Promise<void> {
    this.#limits = limits;
    const stands = this.#stands;
    if (stands === null) return void (await this.#reconcile());
    const first = this.#plan();
    const containers = touched(stands, first.groups);
    const scope = scopeOf(containers);
    // An interface that was renamed would go on steering, to devices that may go.
    if (containers.size > 0 && !this.#areAsLeft(scopeOf(stands).interfaces)) return void (await this.#reconcile());
    const kernel = containers.size === 0 ? null : await this.#executor.read(scope);
    if (kernel !== null) this.#noteScope(kernel, scope);
    // What was read may refuse a limit.
    const plan = kernel === null ? first : this.#plan();
    const steps = stepsBetween(stands, plan.groups, kernel?.objects ?? []);
    if (isEmpty(steps)) {
      this.#stands = plan.groups;
      return;
    }
    const isDone = await this.#executor.run(steps).then(
      () => true,
      () => false,
    );
    this.#fingerprint = null;
    if (!isDone) return void (await this.#reconcile());
    this.#stands = plan.groups;
    this.#noteLooks(scope);
  }

  /** Reads everything, carries out the difference, until there is none. Whether there was any. */
  async #reconcile(round = 1): Promise<boolean> {
    this.#stands = null;
    this.#fingerprint = null;
    const kernel = await this.#executor.read();
    this.#interfaces = new Map(kernel.interfaces);
    this.#blocked = new Map(kernel.blocked);
    const plan = this.#plan();
    const steps = planSteps(objectsOf(plan.groups.values()), kernel.objects);
    if (isEmpty(steps)) {
      this.#stands = plan.groups;
      this.#noteCounters(kernel.leaves);
      return round > 1;
    }
    await this.#executor.run(steps).catch(async (error: unknown) => {
      const isRefusal = error instanceof TcError && error.stderr !== '';
      if (!isRefusal || round === MAX_ROUNDS) throw error;
      await pause(PAUSE_MS * round);
    });
    if (round === MAX_ROUNDS) throw new Error('Cannot set limits: something else changes them all the time');
    return this.#reconcile(round + 1);
  }

  /** The plan for what can be reached. */
  #plan(): Plan {
    const unreachable = new Map<Limit, string>();
    for (const limit of this.#limits) {
      const reason = this.#whyUnreachable(limit);
      if (reason !== null) unreachable.set(limit, reason);
    }
    const reachable = this.#limits.filter((limit) => !unreachable.has(limit));
    if (this.#capabilities === null && reachable.length > 0)
      throw new Error('Cannot set limits: the limiter was not started');
    const plan = planLimits(reachable, { capabilities: this.#capabilities ?? UNKNOWN, exempt: this.#exempt });
    const refusals = plan.refused.map(({ limit, reason }: Refusal): [Limit, string] => [limit, reason]);
    this.#refused = new Map([...unreachable, ...refusals]);
    return plan;
  }

  #whyUnreachable({ interface: name, slot }: Limit): string | null {
    // One that came since is looked for; whether it can be used is read before anything is done there.
    if (!this.#interfaces.has(name) && !this.#executor.look([name]).has(name)) return `there is no interface ${name}`;
    const inTheWay = [name, ...namesOf(shardOf(slot))].find((each) => this.#blocked.has(each)) ?? '';
    return this.#blocked.get(inTheWay) ?? null;
  }

  /** The devices, and so many of the limited interfaces, in turn. */
  #namesToLookAt(): string[] {
    const shards = new Set(this.#limits.map(({ slot }) => shardOf(slot)));
    const devices = [...shards].flatMap(namesOf);
    const interfaces = [...new Set(this.#limits.map((limit) => limit.interface))];
    const first = this.#firstLook % Math.max(interfaces.length, 1);
    this.#firstLook = first + LOOKS;
    return [...devices, ...[...interfaces, ...interfaces].slice(first, first + Math.min(LOOKS, interfaces.length))];
  }

  /** A device must be up; an interface may go down and up again, what hangs on it stays. */
  #areAsLeft(names: readonly string[]): boolean {
    const found = this.#executor.look(names);
    return names.every((name) => {
      const [before, now] = [this.#interfaces.get(name), found.get(name)];
      return before === now || (!DEVICE_NAME.test(name) && numberOf(before) === numberOf(now));
    });
  }

  #noteScope({ interfaces, blocked }: KernelState, { devices, interfaces: names }: Scope): void {
    for (const name of [...devices, ...names]) {
      update(this.#interfaces, name, interfaces.get(name));
      update(this.#blocked, name, blocked.get(name));
    }
  }

  /** Devices that were just made have a number only now. */
  #noteLooks({ devices, interfaces }: Scope): void {
    const names = [...devices, ...interfaces];
    const found = this.#executor.look(names);
    for (const name of names) update(this.#interfaces, name, found.get(name));
  }
}

const namesOf = (shard: number): string[] => devicesOf(shard).map(({ name }) => name);
const numberOf = (state: string | undefined): string | undefined => state?.split(' ')[0];

function update(map: Map<string, string>, key: string, value: string | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}

/** What is there of packets, and about how many bytes: a queue counts what it drops in packets alone. */
function offered(...queues: readonly QueueCounter[]): Counter {
  const sum = (of: (queue: QueueCounter) => number): number => queues.reduce((total, queue) => total + of(queue), 0);
  return {
    packets: sum(({ packets, drops }) => packets + drops),
    bytes: sum(({ packets, bytes, drops }) => bytes + (packets === 0 ? 0 : Math.round((bytes / packets) * drops))),
  };
}

const keyOf = ({ slot, interface: name }: Limit): string => `${slot} ${name}`;

/** Where the groups are. */
function scopeOf(groups: Groups): Scope {
  const keys = [...groups].flatMap(([key, { container }]) => (key === container ? [key] : []));
  return {
    devices: keys.flatMap((key) => /^shard (\d+)$/.exec(key)?.[1] ?? []).flatMap((shard) => namesOf(Number(shard))),
    interfaces: keys.flatMap((key) => /^interface (.*)$/.exec(key)?.[1] ?? []),
  };
}

const differs = (a: Group | undefined, b: Group | undefined): boolean => a?.signature !== b?.signature;

/** Containers that come, go or change: what is there now has to be read. */
function touched(stands: Groups, wanted: Groups): Groups {
  const all = new Map([...stands, ...wanted]);
  return new Map(
    [...all].filter(([key, { container }]) => key === container && differs(stands.get(key), wanted.get(key))),
  );
}

/** From the groups that stand to those that are wanted; `read`: what was found in those containers that are touched. */
function stepsBetween(stands: Groups, wanted: Groups, read: readonly StandingObject[]): Steps {
  const containers = touched(stands, wanted);
  const desired: Group[] = [];
  const left: Group[] = [];
  for (const [key, group] of wanted)
    if (containers.has(group.container) || differs(stands.get(key), group)) desired.push(group);
  for (const [key, group] of stands)
    if (!containers.has(group.container) && differs(group, wanted.get(key))) left.push(group);
  const others = scopeOf(new Map([...stands].filter(([key]) => !containers.has(key) && wanted.has(key))));
  return planSteps(objectsOf(desired), [...read, ...objectsOf(left).map(standingOf)], others.devices);
}

const explainMissing = (missing: readonly string[]): string =>
  `Cannot limit: this kernel has no ${missing.join(', ')}: install ${MISSING_PACKAGE}`;
