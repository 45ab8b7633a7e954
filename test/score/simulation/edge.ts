/** What passes the edge of the provider: who is out there, and how conversations are begun, at a pace or by chance, from a seed. */
import type { Milliseconds } from '../../../probes/probe.ts';
import { outsideAddress, TENANTS } from '../../bench/workload/addresses.ts';
import type { Activity, Agenda } from './agenda.ts';
import { SECOND } from './calendar.ts';
import { activityAt } from './dayCurve.ts';
import { Exchange, type Script } from './exchange.ts';
import type { FrameWriter } from './frameWriter.ts';
import type { Random } from './random.ts';
import type { Span } from './simulate.ts';

/** Blocks of `outsideAddress`' hosts. */
export const HOSTS = {
  carriers: { first: 0, count: 90 },
  offices: { first: 100, count: 2 * TENANTS },
  web: { first: 1000, count: 4000 },
  mail: { first: 6000, count: 300 },
  nameServers: { first: 7000, count: 500 },
  backups: { first: 8000, count: 10 },
  clocks: { first: 8100, count: 8 },
  peers: { first: 9000, count: 20_000 },
  participants: { first: 30_000, count: 1000 },
  visitors: { first: 32_000, count: 8000 },
  monitored: { first: 40_000, count: 900 },
  mailboxes: { first: 42_000, count: 6000 },
  checker: { first: 50_000, count: 1 },
} as const;

type Act = (timeMs: Milliseconds) => void;

export class Edge implements Span {
  readonly writer: FrameWriter;
  readonly startMs: Milliseconds;
  /** Nothing begins from then on; what has begun may end. */
  readonly endMs: Milliseconds;
  readonly random: Random;
  readonly #agenda: Agenda;

  constructor(writer: FrameWriter, agenda: Agenda, random: Random, { startMs, endMs }: Span) {
    this.writer = writer;
    this.#agenda = agenda;
    this.random = random;
    this.startMs = startMs;
    this.endMs = endMs;
  }

  host(kind: keyof typeof HOSTS): number {
    const { first, count } = HOSTS[kind];
    return outsideAddress(first + this.random.below(count));
  }

  tcp(script: Script, timeMs: Milliseconds, client: number, server: number, port: number): void {
    this.talk(script, timeMs, client, server, this.random.ephemeralPort(), port, this.random.between(8, 120));
  }

  talk(
    script: Script,
    timeMs: Milliseconds,
    client: number,
    server: number,
    clientPort: number,
    serverPort: number,
    roundTripMs: number,
  ): void {
    const ends = { client, server, clientPort, serverPort, roundTripMs };
    const exchange = new Exchange(this.writer, script, timeMs, ends);
    this.begin(exchange, exchange.firstMs);
  }

  begin(activity: Activity, timeMs: Milliseconds): void {
    if (timeMs >= this.startMs && timeMs < this.endMs) this.#agenda.add(activity, timeMs);
  }

  /** At the same pace day and night, each at its own second. */
  every(periodMs: number, act: Act): void {
    const step = (timeMs: Milliseconds): Milliseconds => {
      act(timeMs);
      return this.#going(timeMs + periodMs);
    };
    this.begin({ step }, this.startMs + this.random.share() * periodMs);
  }

  always(perSecond: number, act: Act): void {
    this.drawn(perSecond, () => 1, act);
  }

  /** So often in the busiest hour. */
  often(perSecond: number, act: Act): void {
    this.drawn(perSecond, activityAt, act);
  }

  /** So often within that time, and not at all before and after it. */
  within({ startMs, endMs }: Span, perSecond: number, act: Act): void {
    const fromMs = Math.max(startMs, this.startMs);
    if (fromMs >= Math.min(endMs, this.endMs)) return;
    const step = (timeMs: Milliseconds): Milliseconds => {
      if (timeMs >= endMs) return Infinity;
      act(timeMs);
      return this.#going(timeMs + this.random.wait(SECOND / perSecond));
    };
    this.begin({ step }, fromMs + this.random.wait(SECOND / perSecond));
  }

  /** `busyAt`: 0 … 1, of that rate. */
  drawn(perSecond: number, busyAt: (timeMs: Milliseconds) => number, act: Act): void {
    const step = (timeMs: Milliseconds): Milliseconds => {
      // Drawn at the busiest rate, and thinned by the hour (Lewis and Shedler 1979).
      if (this.random.chance(busyAt(timeMs))) act(timeMs);
      return this.#going(timeMs + this.random.wait(SECOND / perSecond));
    };
    this.begin({ step }, this.startMs + this.random.wait(SECOND / perSecond));
  }

  #going = (timeMs: Milliseconds): Milliseconds => (timeMs < this.endMs ? timeMs : Infinity);
}
