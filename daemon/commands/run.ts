/** `weir run`: the daemon until a signal ends it; SIGHUP has it read its configuration again. */
import { setTimeout as pause } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import type { Config } from '../config/config.ts';
import { configForHost, describeHost } from '../config/host.ts';
import { readConfig } from '../config/load.ts';
import { Daemon } from '../daemon.ts';
import { makeLog } from '../log.ts';
import { messageOf } from '../messageOf.ts';
import { NO_SERVICE_MANAGER, type ServiceManager, serviceManagerOf } from '../serviceManager.ts';
import { withStorePath } from './storePath.ts';
import { fail, loadOr } from './terminal.ts';

/** Ctrl-C and the service manager end it alike: with everything put back. */
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
/** Ends it for another daemon to come at once: limits stay in the kernel, and that one adopts them. */
const HANDOVER = 'SIGUSR2';
/** How long a service manager waits for the next try after a start that failed. */
const AGAIN_MS = 10_000;

// V8 stops inlining after 920 bytes of bytecode, in the middle of the packet loop. More costs 100 ms of compiling and then
// saves 15 % a packet (docs/decisions/metering.md).
setFlagsFromString('--max-inlined-bytecode-size=3000');
setFlagsFromString('--max-inlined-bytecode-size-cumulative=5000');

interface End {
  /** 0: ended by a signal; 1: it could not start, or could not go on. */
  readonly code: 0 | 1;
  readonly keepLimits: boolean;
}

/** Gives the exit code. */
export async function run(path: string | undefined): Promise<number> {
  const loaded = await loadOr(path);
  if (loaded === null) return 1;
  // What the host is at the start: nothing that a reload may change.
  const host = describeHost();
  const complete = (config: Config): Config => withStorePath(configForHost(host, config));
  const config = complete(loaded);
  let manager: ServiceManager;
  try {
    manager = serviceManagerOf(process.env);
  } catch (error) {
    return fail(messageOf(error));
  }
  const log = makeLog(config.log.level);
  const ended = endOfRun(log);
  if (config.interfaces.length === 0 && config.collector === null)
    return failToStart('Cannot choose an interface: the host has no default route (name one under interfaces)', {
      manager,
      ended,
    });
  const daemon = new Daemon(config, path ?? null, log, manager);
  const reloads = new Reloads(() => daemon.reload(() => readAgain(path, complete)));
  try {
    await daemon.start();
  } catch (error) {
    return failToStart(messageOf(error), { manager, ended });
  }
  reloads.begin();
  const { code, keepLimits } = await ended;
  await daemon.stop({ keepLimits });
  manager.close();
  return code;
}

/** What is missing may come: a service manager that starts it again at once would only take the host's time. */
async function failToStart(
  message: string,
  { manager, ended }: { readonly manager: ServiceManager; readonly ended: Promise<End> },
): Promise<1> {
  fail(message);
  if (manager === NO_SERVICE_MANAGER) return 1;
  manager.status(message);
  const patience = new AbortController();
  await Promise.race([ended, pause(AGAIN_MS, undefined, { signal: patience.signal })]);
  patience.abort();
  manager.close();
  return 1;
}

/** Resolves at a signal, or at an error that nobody caught. */
function endOfRun(log: { fatal(error: object, message: string): void }): Promise<End> {
  const { promise, resolve } = Promise.withResolvers<End>();
  // A terminal that is closed ends what runs in it.
  for (const signal of process.stdin.isTTY ? ([...SIGNALS, 'SIGHUP'] as const) : SIGNALS)
    process.on(signal, () => resolve({ code: 0, keepLimits: false }));
  process.on(HANDOVER, () => resolve({ code: 0, keepLimits: true }));
  const onError = (error: unknown): void => {
    log.fatal({ err: error }, 'Cannot go on: unexpected error');
    resolve({ code: 1, keepLimits: false });
  };
  process.on('uncaughtException', onError);
  process.on('unhandledRejection', onError);
  return promise;
}

function readAgain(path: string | undefined, complete: (config: Config) => Config): Config {
  if (path === undefined) throw new Error('there is no configuration file (weir run --config)');
  return complete(readConfig(path));
}

/** At SIGHUP, one after the other, and none before `begin`; of signals that come meanwhile the last one counts. */
class Reloads {
  readonly #reload: () => Promise<unknown>;
  #isBusy = true;
  #isAsked = false;

  constructor(reload: () => Promise<unknown>) {
    this.#reload = reload;
    if (!process.stdin.isTTY) process.on('SIGHUP', () => this.#ask());
  }

  begin(): void {
    this.#isBusy = false;
    if (this.#isAsked) this.#ask();
  }

  #ask(): void {
    this.#isAsked = true;
    if (this.#isBusy) return;
    this.#isBusy = true;
    this.#isAsked = false;
    void this.#reload().finally(() => this.begin());
  }
}
