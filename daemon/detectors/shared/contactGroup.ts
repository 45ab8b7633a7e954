/**
 * What one address has tried of late at one port of all hosts, at one host, or altogether, as a sequential hypothesis test
 * sees it: Jung, Paxson, Berger, Balakrishnan, "Fast Portscan Detection Using Sequential Hypothesis Testing" (2004).
 */
import { z } from 'zod';
import type { Milliseconds } from '../../../probes/probe.ts';
import { MEMORY_MS, Reach, savedReach } from './reach.ts';

/** What was answered, and what failed, counts half after this time. */
const HALF_LIFE_MS = 60 * 60_000;
/** Whoever fails less often for each answer is no scanner: of its first contacts one in five is answered at most (θ1), or nearly so. */
const FAILURES_PER_ANSWER = 3;

export const savedGroup = z.object({
  members: savedReach,
  failures: z.number().nonnegative(),
  answers: z.number().nonnegative(),
  walk: z.number().nonnegative(),
  lastMs: z.number(),
});
type SavedGroup = z.output<typeof savedGroup>;

export class ContactGroup {
  readonly #members: Reach;
  #failures: number;
  #answers: number;
  /**
   * The walk of the test, in steps: a failure multiplies the likelihood ratio by (1 - θ1) / (1 - θ0) = 4, an answer divides it
   * by as much. Answers before the first failure are no credit.
   */
  #walk: number;
  #lastMs: Milliseconds;

  constructor({ members, failures, answers, walk, lastMs }: SavedGroup) {
    this.#members = Reach.restore(members);
    this.#failures = failures;
    this.#answers = answers;
    this.#walk = walk;
    this.#lastMs = lastMs;
  }

  /** `answers`: how many of its first contacts were answered before one failed. */
  static begin(answers: number, nowMs: Milliseconds): ContactGroup {
    return new ContactGroup({ members: new Reach().save(), failures: 0, answers, walk: 0, lastMs: nowMs });
  }

  /** For how many members it stands that had not failed before: 0 where it had; see Reach. */
  fail(member: number, weight: number, nowMs: Milliseconds): number {
    this.#turnTo(nowMs);
    const standsFor = this.#members.meet(member, nowMs);
    this.#failures += weight * standsFor;
    this.#walk += weight * standsFor;
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

  get walk(): number {
    return this.#walk;
  }

  get failures(): number {
    return this.#failures;
  }

  get lastMs(): Milliseconds {
    return this.#lastMs;
  }

  /** Members that failed within the span. */
  count(nowMs: Milliseconds, spanMs: Milliseconds): number {
    return this.#members.count(nowMs, spanMs);
  }

  /** By how many the failures outnumber the answers; 0 where too much is answered for a scan. */
  evidence(nowMs: Milliseconds): number {
    if (this.#failures < FAILURES_PER_ANSWER * this.#answers) return 0;
    return Math.min(this.#walk, this.#members.count(nowMs, MEMORY_MS));
  }

  save(): SavedGroup {
    return {
      members: this.#members.save(),
      failures: this.#failures,
      answers: this.#answers,
      walk: this.#walk,
      lastMs: this.#lastMs,
    };
  }
}
