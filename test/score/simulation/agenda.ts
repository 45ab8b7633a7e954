/** What happens next: activities by packet time, each of which does its part and says when it goes on. A binary heap, in two flat arrays. */
import type { Milliseconds } from '../../../probes/probe.ts';

/** Does what is due at `timeMs`; the time of what it does next, not before that; Infinity: it is over. */
export interface Activity {
  step(timeMs: Milliseconds): Milliseconds;
}

export class Agenda {
  /** No activity's time is before that of the one at half its index. The first is at 1. */
  #times = new Float64Array(1 << 16);
  readonly #activities: (Activity | null)[] = [null];
  #count = 0;

  add(activity: Activity, timeMs: Milliseconds): void {
    this.#count += 1;
    if (this.#count === this.#times.length) this.#grow();
    this.#rise(this.#count, activity, timeMs);
  }

  /** Everything before `endMs`, in order of time; what comes later is left. */
  run(endMs: Milliseconds): void {
    while (this.#count > 0 && this.#times[1]! < endMs) {
      const timeMs = this.#times[1]!;
      const activity = this.#activities[1]!;
      const next = activity.step(timeMs);
      // What it has added meanwhile is not before `timeMs`, so that it may have taken the first place at the same time only.
      if (this.#activities[1] !== activity)
        throw new RangeError('Cannot go on: something was put before what is being done');
      if (next === Infinity) this.#removeFirst();
      else this.#sink(activity, next);
    }
  }

  #grow(): void {
    const times = new Float64Array(this.#times.length * 2);
    times.set(this.#times);
    this.#times = times;
  }

  #removeFirst(): void {
    const last = this.#activities[this.#count]!;
    const lastMs = this.#times[this.#count]!;
    this.#activities[this.#count] = null;
    this.#count -= 1;
    if (this.#count > 0) this.#sink(last, lastMs);
  }

  /** From a free place at the end upwards. */
  #rise(from: number, activity: Activity, timeMs: Milliseconds): void {
    const times = this.#times;
    const activities = this.#activities;
    let at = from;
    while (at > 1 && times[at >> 1]! > timeMs) {
      times[at] = times[at >> 1]!;
      activities[at] = activities[at >> 1]!;
      at >>= 1;
    }
    times[at] = timeMs;
    activities[at] = activity;
  }

  /** From the first place, which is free, downwards. */
  #sink(activity: Activity, timeMs: Milliseconds): void {
    const times = this.#times;
    const activities = this.#activities;
    const count = this.#count;
    let at = 1;
    for (let child = 2; child <= count; child = at * 2) {
      if (child < count && times[child + 1]! < times[child]!) child += 1;
      if (times[child]! >= timeMs) break;
      times[at] = times[child]!;
      activities[at] = activities[child]!;
      at = child;
    }
    times[at] = timeMs;
    activities[at] = activity;
  }
}
