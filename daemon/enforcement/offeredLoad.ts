/** What limited tenants offer to their limits, and whether calls are dropped, from the counters of the queues. */
import type { Milliseconds } from '../../probes/probe.ts';
import type { QueueCounter } from './kernelState.ts';
import type { DirectionState, LimitState } from './limiter.ts';

interface Reading {
  readonly atMs: Milliseconds;
  /** By tenant: bytes that were offered since its queues were made, outbound and inbound. */
  readonly bytes: ReadonlyMap<string, readonly [number, number]>;
}

export class OfferedLoad {
  #last: Reading = { atMs: Number.NaN, bytes: new Map() };
  #bps: ReadonlyMap<string, number> = new Map();
  #voiceDrops: ReadonlyMap<string, number> = new Map();
  readonly #voiceDroppedMs = new Map<string, Milliseconds>();

  /** Bit/s of layer 2 between the last two readings, of the larger direction, by tenant. */
  get bps(): ReadonlyMap<string, number> {
    return this.#bps;
  }

  /** When it was last seen that the tenant's limit drops voice; null: never. */
  voiceDroppedMs(tenant: string): Milliseconds | null {
    return this.#voiceDroppedMs.get(tenant) ?? null;
  }

  /** The counters as they were read at a time, in milliseconds of any clock; a tenant that is limited at several interfaces has one set of queues. */
  observe(atMs: Milliseconds, states: readonly LimitState[], wallMs: Milliseconds = 0): void {
    const before = this.#last;
    if (atMs === before.atMs) return;
    const bytes = new Map(
      states.map(({ tenant, outbound, inbound }) => [tenant, [offered(outbound), offered(inbound)] as const]),
    );
    this.#last = { atMs, bytes };
    this.#noteVoice(states, wallMs);
    const seconds = (atMs - before.atMs) / 1000;
    if (!(seconds > 0)) return;
    const rates = [...bytes].map(([tenant, [out, into]]): [string, number] => {
      const [outBefore, intoBefore] = before.bytes.get(tenant) ?? [Number.NaN, Number.NaN];
      // Queues that were made anew count anew.
      return [tenant, (Math.max(out - outBefore, into - intoBefore) * 8) / seconds];
    });
    this.#bps = new Map(rates.filter(([, bps]) => bps >= 0));
  }

  #noteVoice(states: readonly LimitState[], wallMs: Milliseconds): void {
    const before = this.#voiceDrops;
    this.#voiceDrops = new Map(states.map((state) => [state.tenant, voiceDropsOf(state)]));
    for (const [tenant, drops] of this.#voiceDrops)
      if (drops > (before.get(tenant) ?? 0)) this.#voiceDroppedMs.set(tenant, wallMs);
    for (const tenant of this.#voiceDroppedMs.keys())
      if (!this.#voiceDrops.has(tenant)) this.#voiceDroppedMs.delete(tenant);
  }
}

/** Of both directions. */
const voiceDropsOf = ({ outbound, inbound }: LimitState): number =>
  (outbound.voice?.drops ?? 0) + (inbound.voice?.drops ?? 0);

const offered = ({ voice, bulk }: DirectionState): number => offeredTo(voice) + offeredTo(bulk);

/** A queue counts what it drops in packets alone: they are taken to be like those that passed. */
function offeredTo(queue: QueueCounter | null): number {
  if (queue === null) return Number.NaN;
  const { bytes, packets, drops, backlogBytes } = queue;
  return bytes + backlogBytes + (packets === 0 ? 0 : (bytes / packets) * drops);
}
