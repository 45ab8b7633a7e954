/** What limited tenants offer to their limits, from the counters of the queues: what passed them and what they dropped. */
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

  /** Bit/s of layer 2 between the last two readings, of the larger direction, by tenant. */
  get bps(): ReadonlyMap<string, number> {
    return this.#bps;
  }

  /** The counters as they were read at a time, in milliseconds of any clock; a tenant that is limited at several interfaces has one set of queues. */
  observe(atMs: Milliseconds, states: readonly LimitState[]): void {
    const before = this.#last;
    if (atMs === before.atMs) return;
    const bytes = new Map(
      states.map(({ tenant, outbound, inbound }) => [tenant, [offered(outbound), offered(inbound)] as const]),
    );
    this.#last = { atMs, bytes };
    const seconds = (atMs - before.atMs) / 1000;
    if (!(seconds > 0)) return;
    const rates = [...bytes].map(([tenant, [out, into]]): [string, number] => {
      const [outBefore, intoBefore] = before.bytes.get(tenant) ?? [Number.NaN, Number.NaN];
      // Queues that were made anew count anew.
      return [tenant, (Math.max(out - outBefore, into - intoBefore) * 8) / seconds];
    });
    this.#bps = new Map(rates.filter(([, bps]) => bps >= 0));
  }
}

const offered = ({ voice, bulk }: DirectionState): number => offeredTo(voice) + offeredTo(bulk);

/** A queue counts what it drops in packets alone: they are taken to be like those that passed. */
function offeredTo(queue: QueueCounter | null): number {
  if (queue === null) return Number.NaN;
  const { bytes, packets, drops, backlogBytes } = queue;
  return bytes + backlogBytes + (packets === 0 ? 0 : (bytes / packets) * drops);
}
