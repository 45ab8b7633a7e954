/** What the daemon has stored as what has been seen: of every minute how high each signature was, and how much was used. */
import type { Milliseconds } from '../../probes/probe.ts';
import type { Config } from '../config/config.ts';
import { MINUTES_KEPT_MS } from '../store/expiry.ts';
import { type History, STEP_MS, type UsageStep } from '../store/history.ts';
import type { Alerts, Source, Survey } from './advice.ts';
import type { Dial, Settings } from './dials.ts';
import { MINUTE_MS } from '../calendar.ts';
import { type Level, levelKey } from '../level.ts';
import { Levels } from './levels.ts';

/** Their history is that of usage: the store has levels of those alone that have a threshold. */
const BY_USAGE: ReadonlySet<string> = new Set(['bandwidthThreshold', 'packetThreshold']);

interface LevelOfStep extends Level {
  readonly startMs: Milliseconds;
  readonly endMs: Milliseconds;
}

export class HistorySource implements Source {
  readonly isExact = false;
  readonly #history: History;
  readonly #fromMs: Milliseconds;
  readonly #toMs: Milliseconds;

  constructor(history: History, fromMs: Milliseconds, toMs: Milliseconds) {
    this.#history = history;
    this.#fromMs = fromMs;
    this.#toMs = toMs;
  }

  survey(config: Config): Survey {
    const levels = new Levels();
    const means = new Levels();
    let firstMs = this.#toMs;
    for (const level of this.#noted()) {
      firstMs = Math.min(firstMs, level.startMs);
      levels.add(level);
    }
    for (const level of this.#used(config)) {
      firstMs = Math.min(firstMs, level.startMs);
      means.add(level);
    }
    const spanMs = this.#toMs - firstMs;
    const heights = [...levels.heights(spanMs / MINUTE_MS), ...means.heights(spanMs / STEP_MS[this.#usageStep])];
    return { heights, spanMs };
  }

  /** A run of steps that pass is one incident; a step whose largest value passes has one at most. */
  tryOut(config: Config, dials: readonly Dial[], trials: readonly Settings[]): readonly Alerts[] {
    const pathOf = new Map(dials.map(({ signature, tenant, path }) => [`${signature} ${tenant ?? ''}`, path]));
    const { closeAfterMs } = config.incidents;
    const runs = trials.map(() => new Runs(closeAfterMs));
    for (const level of this.#all(config)) {
      const path = pathOf.get(`${level.signature} `) ?? pathOf.get(`${level.signature} ${level.tenant}`) ?? '';
      trials.forEach((settings, k) => {
        if (level.value >= (settings.get(path) ?? Infinity)) runs[k]?.pass(level);
      });
    }
    return runs.map(({ alerts }) => alerts);
  }

  /** In the order of their times, series by series. */
  *#all(config: Config): Iterable<LevelOfStep> {
    yield* this.#noted();
    yield* this.#used(config);
  }

  *#noted(): Iterable<LevelOfStep> {
    for (const level of this.#history.levels(this.#fromMs, this.#toMs)) {
      if (!BY_USAGE.has(level.signature)) yield { ...level, endMs: level.startMs + MINUTE_MS };
    }
  }

  *#used({ tenants }: Config): Iterable<LevelOfStep> {
    const step = this.#usageStep;
    for (const { id: tenant } of tenants) {
      for (const point of this.#history.usage(tenant, this.#fromMs, this.#toMs, step)) {
        const { startMs, knownMs, inBytes, outBytes, inPackets, outPackets } = point;
        const of = (signature: string, direction: Level['direction'], perMs: number): LevelOfStep => ({
          signature,
          tenant,
          direction,
          value: perMs * 1000,
          startMs,
          endMs: startMs + STEP_MS[step],
        });
        yield of('bandwidthThreshold', 'inbound', (inBytes * 8) / knownMs);
        yield of('bandwidthThreshold', 'outbound', (outBytes * 8) / knownMs);
        yield of('packetThreshold', 'inbound', inPackets / knownMs);
        yield of('packetThreshold', 'outbound', outPackets / knownMs);
      }
    }
  }

  /** The shortest that is kept for so long. */
  get #usageStep(): UsageStep {
    return this.#toMs - this.#fromMs <= MINUTES_KEPT_MS ? 'minute' : 'fiveMinutes';
  }
}

/** Counts runs of steps that pass. */
class Runs {
  readonly alerts = new Map<string, number>();
  readonly #endMs = new Map<string, Milliseconds>();
  readonly #closeAfterMs: Milliseconds;

  constructor(closeAfterMs: Milliseconds) {
    this.#closeAfterMs = closeAfterMs;
  }

  pass(level: LevelOfStep): void {
    const key = levelKey(level);
    const goesOn = level.startMs - (this.#endMs.get(key) ?? -Infinity) < this.#closeAfterMs;
    if (!goesOn) this.alerts.set(key, (this.alerts.get(key) ?? 0) + 1);
    this.#endMs.set(key, level.endMs);
  }
}
