/**
 * How many distinct things were met of late: exact for few, then a timestamp vector (Kim and O'Hallaron, "Counting network
 * flows in real time", 2003), which is linear counting whose cells know when they were last met, so that one of them tells
 * of a minute as well as of hours.
 */
import { z } from 'zod';
import type { Milliseconds } from '../../../probes/probe.ts';

export const MINUTE_MS = 60_000;
export const QUARTER_MS = 15 * MINUTE_MS;
/** What was met longer ago is forgotten. */
export const MEMORY_MS = 4 * 60 * MINUTE_MS;

const EXACT = 24;
/** A standard error of 5 % at 1,000 and of 9 % at 2,000; more than 3,194 cannot be told apart. */
const CELLS = 512;
/** Of a cell's time, which comes again after 72 hours. */
const UNIT_MS = 4000;
const UNITS = 1 << 16;

const pairs = (max: number) => z.array(z.tuple([z.int(), z.number()])).max(max);
/** Hashes and times, or cells and units. */
export const savedReach = z.object({ few: pairs(EXACT).nullable(), cells: pairs(CELLS) });
export type SavedReach = z.output<typeof savedReach>;

export class Reach {
  /** By hash, when it was last met; null: there are too many. */
  #few: Map<number, Milliseconds> | null = new Map();
  /** 0: never. */
  #cells: Uint16Array | null = null;
  /** Cells that were not met within `MEMORY_MS`, and when they were counted. */
  #free = CELLS;
  #countedMs: Milliseconds = 0;

  /**
   * 0: it had been met within `MEMORY_MS`. Else how many it stands for: 1, and in cells as many as are taken for known ones
   * beside it, so that their sum is the number of distinct things. `hash` is well mixed.
   */
  meet(hash: number, nowMs: Milliseconds): number {
    if (this.#few === null) return this.#mark(hash, nowMs);
    const lastMs = this.#few.get(hash);
    this.#few.set(hash, nowMs);
    if (this.#few.size > EXACT) this.#spread(nowMs);
    return lastMs === undefined || Math.abs(nowMs - lastMs) > MEMORY_MS ? 1 : 0;
  }

  has(hash: number, nowMs: Milliseconds): boolean {
    if (this.#cells !== null) return isWithin(this.#cells[hash & (CELLS - 1)]!, nowMs, MEMORY_MS);
    const lastMs = this.#few?.get(hash);
    return lastMs !== undefined && Math.abs(nowMs - lastMs) <= MEMORY_MS;
  }

  /** How many were met within the span, which is at most `MEMORY_MS`. */
  count(nowMs: Milliseconds, spanMs: Milliseconds): number {
    let met = 0;
    if (this.#few !== null) {
      for (const lastMs of this.#few.values()) if (Math.abs(nowMs - lastMs) <= spanMs) met += 1;
      return met;
    }
    for (const cell of this.#cells!) if (isWithin(cell, nowMs, spanMs)) met += 1;
    return Math.round(CELLS * Math.log(CELLS / Math.max(CELLS - met, 1)));
  }

  #mark(hash: number, nowMs: Milliseconds): number {
    const cells = this.#cells!;
    const cell = hash & (CELLS - 1);
    if (Math.abs(nowMs - this.#countedMs) > MINUTE_MS) this.#countFree(nowMs);
    const isKnown = isWithin(cells[cell]!, nowMs, MEMORY_MS);
    cells[cell] = unitOf(nowMs);
    if (isKnown) return 0;
    const standsFor = CELLS / Math.max(this.#free, 1);
    this.#free -= 1;
    return standsFor;
  }

  #countFree(nowMs: Milliseconds): void {
    this.#countedMs = nowMs;
    this.#free = 0;
    for (const cell of this.#cells!) if (!isWithin(cell, nowMs, MEMORY_MS)) this.#free += 1;
  }

  /** Drops what is old; if it is still too much, it goes on in cells. */
  #spread(nowMs: Milliseconds): void {
    const few = this.#few!;
    for (const [hash, lastMs] of few) if (Math.abs(nowMs - lastMs) > MEMORY_MS) few.delete(hash);
    if (few.size <= EXACT) return;
    this.#few = null;
    this.#cells = new Uint16Array(CELLS);
    for (const [hash, lastMs] of few) this.#mark(hash, lastMs);
  }

  save(): SavedReach {
    const cells = [...(this.#cells ?? [])].flatMap((unit, i): [number, number][] => (unit === 0 ? [] : [[i, unit]]));
    return { few: this.#few === null ? null : [...this.#few], cells };
  }

  static restore({ few, cells }: SavedReach): Reach {
    const reach = new Reach();
    reach.#few = few === null ? null : new Map(few);
    if (few === null) reach.#cells = new Uint16Array(CELLS);
    for (const [cell, unit] of cells) if (reach.#cells !== null) reach.#cells[cell & (CELLS - 1)] = unit;
    return reach;
  }
}

/** Never 0. */
const unitOf = (ms: Milliseconds): number => Math.floor(ms / UNIT_MS) % UNITS || 1;

function isWithin(unit: number, nowMs: Milliseconds, spanMs: Milliseconds): boolean {
  if (unit === 0) return false;
  const age = (unitOf(nowMs) - unit + UNITS) % UNITS;
  // A clock that was set back a little is no age of days.
  return Math.min(age, UNITS - age) * UNIT_MS <= spanMs;
}
