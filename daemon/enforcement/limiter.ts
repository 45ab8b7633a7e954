/** Keeps the kernel at the limits that are wanted: reads what stands, carries out the difference, until there is none. */
import { setTimeout as pause } from 'node:timers/promises';
import { messageOf } from '../messageOf.ts';
import type { Capabilities } from './capabilities.ts';
import { type Executor, TcError } from './executor.ts';
import { type Counter, type KernelState, leafCounterKey, type QueueCounter, steeredKey } from './kernelState.ts';
import type { Limit } from './limit.ts';
import { planObjects, type Refusal } from './plan.ts';
import { isEmpty, planSteps } from './reconcile.ts';
import { BULK, classidOf, cookieOf, DEVICES, INBOUND_DEVICE, OUTBOUND_DEVICE, VOICE } from './tcObject.ts';

/**
 * Two are usual: one that works, one that finds nothing left. A u32 table can be removed only once the kernel has freed
 * the link to it (cls_u32.c frees after a grace period, seen to take 15 ms), so that some rounds may fail on the way.
 */
const MAX_ROUNDS = 10;
const PAUSE_MS = 5;

export interface DirectionState {
  /** What was steered to the limit from its interface (bytes of layer 3 where it came in there); null: not read yet. */
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

export class Limiter {
  readonly #executor: Executor;
  #queue: Promise<unknown> = Promise.resolve();
  #capabilities: Capabilities | null = null;
  #limits: readonly Limit[] = [];
  #refused: readonly Refusal[] = [];
  #kernel: KernelState | null = null;
  #error: string | null = null;
  #readMs = Number.NaN;

  constructor(executor: Executor) {
    this.#executor = executor;
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
    return this.#inTurn(async () => {
      this.#limits = limits;
      await this.#reconcile();
    });
  }

  /**
   * The watchdog, cheap enough for every second: where a device or an interface went away, went down or was made anew,
   * steering to what is not there is removed, and the limits are put back.
   */
  check(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#capabilities === null || (this.#limits.length === 0 && this.#error === null)) return;
      const interfaces = await this.#executor.interfaces();
      if (this.#error !== null || this.#watched(interfaces) !== this.#watched(this.#kernel?.interfaces))
        await this.#reconcile();
    });
  }

  /** Leaves the interfaces as they were found. */
  stop(): Promise<void> {
    return this.apply([]);
  }

  state(): LimiterState {
    const limits = this.#limits.map((limit) => ({
      ...limit,
      refused: this.#refused.find((refusal) => refusal.limit === limit)?.reason ?? null,
      outbound: this.#direction(limit, OUTBOUND_DEVICE.name),
      inbound: this.#direction(limit, INBOUND_DEVICE.name),
    }));
    return { capabilities: this.#capabilities, error: this.#error, readMs: this.#readMs, limits };
  }

  #direction({ slot, interface: name }: Limit, device: string): DirectionState {
    const leaf = (part: number) => this.#kernel?.leaves.get(leafCounterKey(device, classidOf(slot, part))) ?? null;
    const offered = this.#kernel?.steered.get(steeredKey(name, device, cookieOf(slot))) ?? null;
    return { offered, voice: leaf(VOICE), bulk: leaf(BULK) };
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
      this.#error = messageOf(error);
      throw error;
    }
  }

  #watched(interfaces: ReadonlyMap<string, string> | undefined): string {
    const names = new Set([...DEVICES.map(({ name }) => name), ...this.#limits.map((limit) => limit.interface)]);
    return [...names].map((name) => `${name} ${interfaces?.get(name)}`).join(', ');
  }

  /** Whether anything had to be done. */
  async #reconcile(round = 1): Promise<boolean> {
    const kernel = await this.#executor.read();
    const steps = this.#steps(kernel);
    if (isEmpty(steps)) {
      this.#kernel = kernel;
      this.#readMs = performance.now();
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

  #steps(kernel: KernelState) {
    const unreachable = this.#limits.flatMap((limit) => {
      const reason = whyUnreachable(limit.interface, kernel);
      return reason === null ? [] : [{ limit, reason }];
    });
    const reachable = this.#limits.filter((limit) => !unreachable.some((refusal) => refusal.limit === limit));
    if (this.#capabilities === null && reachable.length > 0)
      throw new Error('Cannot set limits: the limiter was not started');
    const { objects, refused } = planObjects(reachable, this.#capabilities ?? UNKNOWN);
    this.#refused = [...unreachable, ...refused];
    return planSteps(objects, kernel.objects);
  }
}

function whyUnreachable(name: string, { interfaces, blocked }: KernelState): string | null {
  if (!interfaces.has(name)) return `there is no interface ${name}`;
  const inTheWay = [name, ...DEVICES.map((device) => device.name)].find((each) => blocked.has(each)) ?? '';
  return blocked.get(inTheWay) ?? null;
}

const explainMissing = (missing: readonly string[]): string =>
  `Cannot limit: this kernel has no ${missing.join(', ')}: install its linux-modules-extra (Ubuntu) or kernel-modules-extra (RHEL)`;
