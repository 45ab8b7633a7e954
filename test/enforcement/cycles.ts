/** Applies and removes limits, over and over, and says what this process and the kernel hold before and after. */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import type { Limit } from '../../daemon/enforcement/limit.ts';
import type { Limiter } from '../../daemon/enforcement/limiter.ts';

export interface Held {
  /** In the namespace: links, qdiscs, classes and filters, as tools show them. */
  readonly links: number;
  readonly qdiscs: number;
  readonly classes: number;
  readonly filters: number;
  /** Of this process. */
  readonly fileDescriptors: number;
  readonly rssBytes: number;
}

/** `netns`: a name for `ip -n`; null: the namespace of this process. */
export function heldNow(netns: string | null): Held {
  const show = (tool: string, ...words: string[]): string[] => {
    const place = netns === null ? [] : ['-n', netns];
    return execFileSync(tool, [...place, ...words], { encoding: 'utf8' })
      .split('\n')
      .filter(Boolean);
  };
  const names = show('ip', '-br', 'link', 'show').map((line) => line.split(/[@ ]/)[0] ?? '');
  const count = (...questions: string[]): number =>
    names.flatMap((name) => questions.flatMap((question) => show('tc', ...question.replace('DEV', name).split(' '))))
      .length;
  return {
    links: names.length,
    qdiscs: show('tc', 'qdisc', 'show').length,
    classes: count('class show dev DEV'),
    filters: count('filter show dev DEV', 'filter show dev DEV egress', 'filter show dev DEV ingress'),
    fileDescriptors: readdirSync('/proc/self/fd').length,
    rssBytes: process.memoryUsage.rss(),
  };
}

/** One cycle: the limits are set, then they are lifted. Goes on until `isEnough` says so; how many there were. */
export async function cycle(
  limiter: Limiter,
  limits: readonly Limit[],
  isEnough: (cycles: number) => boolean,
  cycles = 0,
): Promise<number> {
  let done = cycles;
  while (!isEnough(done)) {
    // oxlint-disable-next-line no-await-in-loop -- a cycle is two steps, one after the other
    await limiter.apply(limits);
    // oxlint-disable-next-line no-await-in-loop
    await limiter.apply([]);
    done += 1;
  }
  return done;
}
