/** Who scans, as the detectors of scans remember it together: what each window's contacts have come to, judged once. */
import { z } from 'zod';
import type { Milliseconds } from '../../../probes/probe.ts';
import { formatAddress } from '../../metering/address.ts';
import type { Window } from '../../metering/window.ts';
import type { DetectorContext, Json } from '../detector.ts';
import { FirstContacts, type MemorySeed } from './firstContacts.ts';
import type { Name, Scanner, Verdict } from './scanner.ts';
import { Scanners } from './scanners.ts';

/** The share of the threshold below which a scan is no finding. */
export const LEAVE_BELOW = 0.7;
const LATE_MS = 10_000;
/** The others wait for the next one: a thousand scanners at once would take 50 ms. */
const MAX_JUDGED_A_WINDOW = 64;
const MAX_DUE = 1024;

const saved = z.object({ seed: z.int(), scanners: z.json() });

export interface Suspect {
  readonly scanner: Scanner;
  readonly verdict: Verdict;
}

export class ScanMemory {
  readonly #threshold: number;
  readonly #seed: MemorySeed;
  readonly #contacts: FirstContacts;
  readonly #scanners: Scanners;
  /** Those that are still to be judged. */
  readonly #due = new Set<Scanner>();
  #latest: { readonly window: Window; readonly endMs: Milliseconds; readonly suspects: readonly Suspect[] } | null =
    null;

  constructor(threshold: number, context: DetectorContext) {
    this.#threshold = threshold;
    this.#seed = { value: context.hashSeed };
    this.#contacts = new FirstContacts(context, this.#seed);
    this.#scanners = new Scanners(context, this.#seed);
  }

  /** Those that failed again and have been judged; whoever passes the threshold is named. The same for all who ask of one window. */
  observe(window: Window): readonly Suspect[] {
    const { endMs } = window;
    if (this.#latest?.window !== window || this.#latest.endMs !== endMs)
      this.#latest = { window, endMs, suspects: this.#judge(window) };
    return this.#latest.suspects;
  }

  #judge(window: Window): Suspect[] {
    const nowMs = window.endMs;
    const least = this.#threshold * LEAVE_BELOW;
    for (const scanner of this.#scanners.observe(this.#contacts.observe(window), nowMs))
      if (scanner.strength >= least && this.#due.size < MAX_DUE) this.#due.add(scanner);
    return this.#takeDue().flatMap((scanner) => {
      // After a gap of the capture what has been told comes to its end.
      if (scanner.named !== null && nowMs - scanner.lastMs > LATE_MS) return [];
      const suspect = { scanner, verdict: scanner.judge(nowMs) };
      if (this.ratio(suspect) >= 1) scanner.named ??= nameOf(suspect);
      return [suspect];
    });
  }

  #takeDue(): Scanner[] {
    const due = [...this.#due].slice(0, MAX_JUDGED_A_WINDOW);
    for (const scanner of due) this.#due.delete(scanner);
    return due;
  }

  /** 1 at the threshold. */
  ratio({ verdict: { weight } }: Suspect): number {
    return weight.value / (this.#threshold * weight.times);
  }

  scanners(): Iterable<Scanner> {
    return this.#scanners.all();
  }

  save(): Json {
    return { seed: this.#seed.value, scanners: this.#scanners.save() };
  }

  restore(state: Json): void {
    const { data } = saved.safeParse(state);
    if (data === undefined) return;
    this.#seed.value = data.seed;
    this.#scanners.restore(data.scanners);
  }
}

/** A scan of one host is about that host, whoever takes part in it: decoys, or a number of hosts that share the ports. */
export function nameOf({ scanner, verdict: { shape, host } }: Suspect): Name {
  const subject = formatAddress(...(shape === 'vertical' && host !== null ? host : scanner.address));
  return { shape, tenant: scanner.concerned, subject };
}
