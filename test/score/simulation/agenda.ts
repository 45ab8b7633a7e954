/** What happens next: activities by packet time, each of which does its part and says when it goes on. */
import type { Milliseconds } from '../../../probes/probe.ts';

/** Does what is due at `timeMs`; the time of what it does next, not before that; Infinity: it is over. */
export interface Activity {
  step(timeMs: Milliseconds): Milliseconds;
}

interface Entry {
  timeMs: Milliseconds;
  readonly activity: Activity;
}

/** Entries are sorted within a slot, once it is due. */
const SLOT_MS = 250;

export class Agenda {
  readonly #slots = new Map<number, Entry[]>();
  /** Of the slot that is being done, in order; `#at` is the next one. */
  #due: Entry[] = [];
  #at = 0;
  #slot = -1;

  add(activity: Activity, timeMs: Milliseconds): void {
    this.#insert({ timeMs, activity });
  }

  /** Everything before `endMs`, in order of time; what comes later is left. */
  run(startMs: Milliseconds, endMs: Milliseconds): void {
    for (let slot = Math.floor(startMs / SLOT_MS); slot * SLOT_MS < endMs; slot++) this.#runSlot(slot);
  }

  #runSlot(slot: number): void {
    const entries = this.#slots.get(slot);
    this.#slot = slot;
    if (entries === undefined) return;
    this.#slots.delete(slot);
    this.#due = entries.sort((a, b) => a.timeMs - b.timeMs); // oxlint-disable-line no-array-sort -- its own, and the hot loop
    for (this.#at = 0; this.#at < this.#due.length;) {
      const entry = this.#due[this.#at]!;
      this.#at += 1;
      const next = entry.activity.step(entry.timeMs);
      if (next === Infinity) continue;
      entry.timeMs = next;
      this.#insert(entry);
    }
    this.#due = [];
  }

  #insert(entry: Entry): void {
    const slot = Math.floor(entry.timeMs / SLOT_MS);
    if (slot <= this.#slot) return this.#insertDue(entry);
    const entries = this.#slots.get(slot);
    if (entries === undefined) this.#slots.set(slot, [entry]);
    else entries.push(entry);
  }

  /** Among those that are still to be done in this slot. */
  #insertDue(entry: Entry): void {
    let at = this.#due.length;
    while (at > this.#at && this.#due[at - 1]!.timeMs > entry.timeMs) at -= 1;
    this.#due.splice(at, 0, entry);
  }
}
