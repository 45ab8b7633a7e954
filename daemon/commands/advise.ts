/** `weir advise`: proposes thresholds, from captures or from what the daemon has stored. */
import type { Milliseconds } from '../../probes/probe.ts';
import { advise as adviseFrom, type Alerts, type Source, type Survey } from '../advising/advice.ts';
import { type Dial, type Settings, toldOfAll, withSettings } from '../advising/dials.ts';
import { HistorySource } from '../advising/historySource.ts';
import { Levels } from '../advising/levels.ts';
import { renderAdvice } from '../advising/renderAdvice.ts';
import { Trial } from '../advising/trial.ts';
import type { Config } from '../config/config.ts';
import { configForHost, configForReplay, describeHost } from '../config/host.ts';
import { parseDuration } from '../config/units.ts';
import { messageOf } from '../messageOf.ts';
import { History } from '../store/history.ts';
import { type Window, WINDOW_MS } from '../metering/window.ts';
import { TenantDirectory } from '../tenants/directory.ts';
import { CAPTURE_POINT, describeFailure, HASH_SEED, meterCapture, openOr } from './captureFile.ts';
import { withStorePath } from './storePath.ts';
import { fail, loadOr, print } from './terminal.ts';

export interface AdviseOptions {
  readonly config?: string;
  readonly json?: boolean;
  /** How far back what is stored is taken, instead of captures. */
  readonly since?: string;
}

/** 0: advised; 1: there is nothing to read, or it cannot be read. */
export async function advise(paths: readonly string[], options: AdviseOptions): Promise<number> {
  const loaded = await loadOr(options.config);
  if (loaded === null) return 1;
  const { since } = options;
  if ((since === undefined) === (paths.length === 0))
    return fail('Cannot advise: name captures, or --since such as 7d');
  if (since === undefined) return show(new CaptureSource(paths), configForReplay(loaded), options);
  const spanMs = parseDuration(since);
  if (spanMs === null) return fail(`Cannot advise: --since must be a duration such as 7d, got ${since}`);
  const { path } = withStorePath(loaded).store;
  if (path === null) return fail('Cannot advise: store.path is off, nothing is kept');
  try {
    const history = new History(path);
    const nowMs = Date.now();
    const code = show(
      new HistorySource(history, nowMs - spanMs, nowMs),
      configForHost(describeHost(), loaded),
      options,
    );
    history.close();
    return code;
  } catch (error) {
    return fail(messageOf(error));
  }
}

function show(source: Source, config: Config, { json }: AdviseOptions): number {
  const advice = adviseFrom(source, config);
  if (advice === null) return 1;
  print(json ? JSON.stringify(advice) : renderAdvice(advice));
  return 0;
}

/** Captures one after the other: once to learn how high everybody is, and once more with all candidates at the same time. */
class CaptureSource implements Source {
  readonly isExact = true;
  readonly #paths: readonly string[];

  constructor(paths: readonly string[]) {
    this.#paths = paths;
  }

  survey(config: Config): Survey | null {
    const levels = new Levels();
    const directory = new TenantDirectory(config.tenants);
    const trial = new Trial(toldOfAll(config), {
      directory,
      hashSeed: HASH_SEED,
      noteLevel: (signature, tenant, direction, value) => levels.note({ signature, tenant, direction, value }),
    });
    const spanMs = this.#read(config, directory, (window) => {
      trial.observe(CAPTURE_POINT, window);
      levels.endStep();
    });
    return spanMs === null ? null : { heights: levels.heights(spanMs / WINDOW_MS), spanMs };
  }

  tryOut(config: Config, _dials: readonly Dial[], trials: readonly Settings[]): readonly Alerts[] {
    const directory = new TenantDirectory(config.tenants);
    const running = trials.map(
      (settings) => new Trial(withSettings(config, settings), { directory, hashSeed: HASH_SEED }),
    );
    this.#read(config, directory, (window) => {
      for (const trial of running) trial.observe(CAPTURE_POINT, window);
    });
    return running.map(({ alerts }) => alerts);
  }

  /** How long they are together; null: one of them cannot be read, which has been printed. */
  #read({ tenants }: Config, directory: TenantDirectory, onWindow: (window: Window) => void): Milliseconds | null {
    let spanMs = 0;
    for (const path of this.#paths) {
      const probe = openOr(path);
      if (probe === null) return null;
      const times: Milliseconds[] = [];
      const problem = meterCapture({
        probe,
        tenants,
        directory,
        onWindow: (window) => {
          times[0] ??= window.startMs;
          times[1] = window.endMs;
          onWindow(window);
        },
      });
      probe.close();
      if (problem !== null) fail(describeFailure('read', path, problem));
      if (problem !== null) return null;
      const [firstMs = 0, lastMs = 0] = times;
      spanMs += Math.max(lastMs - firstMs, 0);
    }
    return spanMs;
  }
}
