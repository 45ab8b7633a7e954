/** What tenants sent in the window before: whatever was asked at its end is answered in the next one. */
import type { Milliseconds } from '../../../probes/probe.ts';
import { OUTBOUND, type Window } from '../../metering/window.ts';

/** A window that begins so long after the one before does not go on with it. */
const GAP_MS = 1000;

export class SentBefore {
  readonly #kinds: readonly number[];
  /** By tenant number and kind. */
  #before: Float64Array;
  #now: Float64Array;
  #endMs: Milliseconds = Number.NaN;

  constructor(kinds: readonly number[], tenants: number) {
    this.#kinds = kinds;
    this.#before = new Float64Array((tenants + 1) * kinds.length);
    this.#now = new Float64Array(this.#before.length);
  }

  /** The window is the one that comes next. */
  turnTo(window: Window): void {
    const isNext = Math.abs(window.startMs - this.#endMs) < GAP_MS;
    [this.#before, this.#now] = [this.#now, this.#before];
    if (!isNext) this.#before.fill(0);
    this.#endMs = window.endMs;
    const kinds = this.#kinds;
    for (let tenant = 1; tenant * kinds.length < this.#now.length; tenant++)
      for (let i = 0; i < kinds.length; i++)
        this.#now[tenant * kinds.length + i] = window.tenantPackets(tenant, OUTBOUND, kinds[i]!);
  }

  /** Packets of the kind that the tenant sent in the window before; nobody's are not known. */
  of(tenant: number, kind: number): number {
    const at = this.#kinds.indexOf(kind);
    return tenant === 0 || at < 0 ? 0 : (this.#before[tenant * this.#kinds.length + at] ?? 0);
  }
}
