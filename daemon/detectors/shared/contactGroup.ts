/**
 * What one address has tried of late at one port of all hosts, at one host, or altogether, as a sequential hypothesis test
 * sees it: Jung, Paxson, Berger, Balakrishnan, "Fast Portscan Detection Using Sequential Hypothesis Testing" (2004).
 */
import { z } from 'zod';
import type { Milliseconds } from '../../../probes/probe.ts';
import { MEMORY_MS, MINUTE_MS, QUARTER_MS, Reach, savedReach } from './reach.ts';

/** What was answered, and what failed, counts half after this time. */
const HALF_LIFE_MS = 60 * 60_000;
/** What a failure multiplies the likelihood ratio by: (1 - θ1) / (1 - θ0). An answer divides it by as much: θ1 / θ0. */
const STEP = 4;
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

/**
 * A network whose hosts are alive answers a sweep: half of its addresses may. So many failures in each /24 (IPv6: /96), and
 * this share of the contacts, are a sweep all the same, at so many times the threshold within a quarter of an hour.
 */
const DENSE = { perPrefix: 16, failuresPerAnswer: 0.4, times: 2 } as const;

/** What speaks for a scan, and how many times the threshold it must be. */
export interface Weight {
  readonly value: number;
  readonly times: number;
}

export const savedGroup = z.object({
  members: savedReach,
  unknown: savedReach,
  prefixes: savedReach,
  failures: z.number().nonnegative(),
  answers: z.number().nonnegative(),
  walk: z.number().nonnegative(),
  tried: z.number().nonnegative(),
  lastMs: z.number(),
});
type SavedGroup = z.output<typeof savedGroup>;

export class ContactGroup {
  /** Those that failed. */
  #members = new Reach();
  /** Those of which nobody knows. */
  #unknown = new Reach();
  /** The prefixes of those that failed, where they are hosts. */
  #prefixes = new Reach();
  #failures = 0;
  #answers: number;
  /**
   * The walk of the test, in steps: failures less answers. Answers before the first failure are no credit.
   */
  #walk = 0;
  /** Members of which nobody knows, all in all. */
  #tried = 0;
  #lastMs: Milliseconds;

  /** `answers`: how many of its first contacts were answered before one failed. */
  constructor(answers: number, nowMs: Milliseconds) {
    this.#answers = answers;
    this.#lastMs = nowMs;
  }

  static restore(saved: SavedGroup): ContactGroup {
    const group = new ContactGroup(saved.answers, saved.lastMs);
    group.#members = Reach.restore(saved.members);
    group.#unknown = Reach.restore(saved.unknown);
    group.#prefixes = Reach.restore(saved.prefixes);
    group.#failures = saved.failures;
    group.#walk = saved.walk;
    group.#tried = saved.tried;
    return group;
  }

  /** For how many members it stands that had not failed before: 0 where it had; see Reach. */
  fail(member: number, weight: number, nowMs: Milliseconds, prefix: number | null): number {
    this.#turnTo(nowMs);
    if (prefix !== null) this.#prefixes.meet(prefix, nowMs);
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

  /** Whether there are so many that something may speak for a scan; costs less than to weigh it. */
  mayHave(members: number): boolean {
    const isEnough = this.#failures >= Math.min(FAILURES_PER_ANSWER, DENSE.failuresPerAnswer) * this.#answers;
    return (isEnough && this.#failures >= members) || this.#tried >= members;
  }

  get answers(): number {
    return this.#answers;
  }

  /** What speaks for a scan at most. */
  get strength(): number {
    return this.#failures + this.#tried;
  }

  /** Members that were not answered, as far as is known. */
  count(nowMs: Milliseconds): number {
    return this.#members.count(nowMs, MEMORY_MS) + this.#unknown.count(nowMs, MEMORY_MS);
  }

  /**
   * `tests`: how many are made of the same address; of many, one passes the more easily by chance (Bonferroni).
   * What speaks most for a scan: by how many the failures outnumber the answers, or how much was tried where answers are
   * not seen.
   */
  weigh(nowMs: Milliseconds, tests: number, isArp = false): Weight {
    const blind = (isArp ? ARP_REACH : BLIND_REACH).map(({ spanMs, times }) => ({
      value: this.#unknown.count(nowMs, spanMs),
      times,
    }));
    const dense = { value: this.#denseFailures(nowMs), times: DENSE.times };
    const evidence = Math.max(this.#evidence(nowMs) - Math.log(Math.max(tests, 1)) / Math.log(STEP), 0);
    return [{ value: evidence, times: 1 }, dense, ...blind].reduce(heavier);
  }

  #denseFailures(nowMs: Milliseconds): number {
    if (this.#failures < DENSE.failuresPerAnswer * this.#answers) return 0;
    const failed = this.#members.count(nowMs, QUARTER_MS);
    const prefixes = this.#prefixes.count(nowMs, QUARTER_MS);
    return prefixes > 0 && failed >= prefixes * DENSE.perPrefix ? failed : 0;
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
      prefixes: this.#prefixes.save(),
      failures: this.#failures,
      answers: this.#answers,
      walk: this.#walk,
      tried: this.#tried,
      lastMs: this.#lastMs,
    };
  }
}

export const heavier = (a: Weight, b: Weight): Weight => (b.value / b.times > a.value / a.times ? b : a);
