/**
 * What one address has tried of late at one port of all hosts, at one host, or altogether, as a sequential hypothesis test
 * sees it: Jung, Paxson, Berger, Balakrishnan, "Fast Portscan Detection Using Sequential Hypothesis Testing" (2004).
 */
import { z } from 'zod';
import type { Milliseconds } from '../../../probes/probe.ts';
import { MEMORY_MS, MINUTE_MS, QUARTER_MS, Reach, savedReach } from './reach.ts';

/** What was answered, and what failed, counts half after this time. */
const HALF_LIFE_MS = 60 * 60_000;
/** Whoever fails less often for each answer is no scanner: of its first contacts one in five is answered at most (θ1), or nearly so. */
const FAILURES_PER_ANSWER = 3;

/** Where answers are not seen so many times the threshold must be reached, within a time. */
const BLIND_REACH = [
  { spanMs: MINUTE_MS, times: 7 },
  { spanMs: QUARTER_MS, times: 14 },
  { spanMs: MEMORY_MS, times: 28 },
] as const;
/** Of questions of ARP, which busy hosts of a link ask in any number, but not all at once. */
const ARP_REACH = [{ spanMs: 4000, times: 3 }] as const;

/** What speaks for a scan, and how many times the threshold it must be. */
export interface Weight {
  readonly value: number;
  readonly times: number;
}

export const savedGroup = z.object({
  members: savedReach,
  unknown: savedReach,
  failures: z.number().nonnegative(),
  answers: z.number().nonnegative(),
  walk: z.number().nonnegative(),
  tried: z.number().nonnegative(),
  lastMs: z.number(),
});
type SavedGroup = z.output<typeof savedGroup>;

export class ContactGroup {
  /** Those that failed. */
  readonly #members: Reach;
  /** Those of which nobody knows. */
  readonly #unknown: Reach;
  #failures: number;
  #answers: number;
  /**
   * The walk of the test, in steps: a failure multiplies the likelihood ratio by (1 - θ1) / (1 - θ0) = 4, an answer divides it
   * by as much. Answers before the first failure are no credit.
   */
  #walk: number;
  /** Members of which nobody knows, all in all. */
  #tried: number;
  #lastMs: Milliseconds;

  constructor({ members, unknown, failures, answers, walk, tried, lastMs }: SavedGroup) {
    this.#members = Reach.restore(members);
    this.#unknown = Reach.restore(unknown);
    this.#failures = failures;
    this.#answers = answers;
    this.#walk = walk;
    this.#tried = tried;
    this.#lastMs = lastMs;
  }

  /** `answers`: how many of its first contacts were answered before one failed. */
  static begin(answers: number, nowMs: Milliseconds): ContactGroup {
    const nothing = new Reach().save();
    return new ContactGroup({
      members: nothing,
      unknown: nothing,
      failures: 0,
      answers,
      walk: 0,
      tried: 0,
      lastMs: nowMs,
    });
  }

  /** For how many members it stands that had not failed before: 0 where it had; see Reach. */
  fail(member: number, weight: number, nowMs: Milliseconds): number {
    this.#turnTo(nowMs);
    const standsFor = this.#members.meet(member, nowMs);
    this.#failures += weight * standsFor;
    this.#walk += weight * standsFor;
    return standsFor;
  }

  /** As `fail`, of a contact whose answer would not be seen. */
  try(member: number, nowMs: Milliseconds): number {
    const standsFor = this.#unknown.meet(member, nowMs);
    this.#tried += standsFor;
    return standsFor;
  }

  answer(member: number, nowMs: Milliseconds): void {
    this.#turnTo(nowMs);
    const wasTakenForFailed = this.#members.has(member, nowMs);
    if (wasTakenForFailed) this.#failures = Math.max(this.#failures - 1, 0);
    this.#answers += 1;
    this.#walk = Math.max(this.#walk - (wasTakenForFailed ? 2 : 1), 0);
  }

  #turnTo(nowMs: Milliseconds): void {
    const left = 0.5 ** (Math.max(nowMs - this.#lastMs, 0) / HALF_LIFE_MS);
    this.#failures *= left;
    this.#answers *= left;
    this.#lastMs = nowMs;
  }

  /** What speaks for a scan at most. */
  get strength(): number {
    return this.#walk + this.#tried;
  }

  /** Members that were not answered, as far as is known. */
  count(nowMs: Milliseconds): number {
    return this.#members.count(nowMs, MEMORY_MS) + this.#unknown.count(nowMs, MEMORY_MS);
  }

  /** What speaks most for a scan: by how many the failures outnumber the answers, or how much was tried where answers are not seen. */
  weigh(nowMs: Milliseconds, isArp = false): Weight {
    const blind = (isArp ? ARP_REACH : BLIND_REACH).map(({ spanMs, times }) => ({
      value: this.#unknown.count(nowMs, spanMs),
      times,
    }));
    return [{ value: this.#evidence(nowMs), times: 1 }, ...blind].reduce(heavier);
  }

  /** 0 where too much is answered for a scan. */
  #evidence(nowMs: Milliseconds): number {
    if (this.#failures < FAILURES_PER_ANSWER * this.#answers) return 0;
    return Math.min(this.#walk, this.#members.count(nowMs, MEMORY_MS));
  }

  save(): SavedGroup {
    return {
      members: this.#members.save(),
      unknown: this.#unknown.save(),
      failures: this.#failures,
      answers: this.#answers,
      walk: this.#walk,
      tried: this.#tried,
      lastMs: this.#lastMs,
    };
  }
}

export const heavier = (a: Weight, b: Weight): Weight => (b.value / b.times > a.value / a.times ? b : a);
