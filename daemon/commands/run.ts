/** `weir run`: the daemon until a signal ends it. */
import { setFlagsFromString } from 'node:v8';
import { configForHost, describeHost } from '../config/host.ts';
import { Daemon } from '../daemon.ts';
import { makeLog } from '../log.ts';
import { messageOf } from '../messageOf.ts';
import { withStorePath } from './storePath.ts';
import { fail, loadOr } from './terminal.ts';

/** A closed terminal, Ctrl-C and the service manager end it alike: with everything put back. */
const SIGNALS = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const;

// V8 stops inlining after 920 bytes of bytecode, in the middle of the packet loop. More costs 100 ms of compiling and then
// saves 15 % a packet (docs/decisions/metering.md).
setFlagsFromString('--max-inlined-bytecode-size=3000');
setFlagsFromString('--max-inlined-bytecode-size-cumulative=5000');

/** 0: ended by a signal; 1: it could not start, or could not go on. */
export async function run(path: string | undefined): Promise<number> {
  const loaded = await loadOr(path);
  if (loaded === null) return 1;
  const config = withStorePath(configForHost(describeHost(), loaded));
  if (config.interfaces.length === 0 && config.collector === null) {
    return fail('Cannot choose an interface: the host has no default route (name one under interfaces)');
  }
  const log = makeLog(config.log.level);
  const daemon = new Daemon(config, path ?? null, log);
  const ended = endOfRun(log);
  try {
    await daemon.start();
  } catch (error) {
    return fail(messageOf(error));
  }
  const code = await ended;
  await daemon.stop();
  return code;
}

/** Resolves with the exit code: at a signal, or at an error that nobody caught. */
function endOfRun(log: { fatal(error: object, message: string): void }): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  for (const signal of SIGNALS) process.on(signal, () => resolve(0));
  const onError = (error: unknown): void => {
    log.fatal({ err: error }, 'Cannot go on: unexpected error');
    resolve(1);
  };
  process.on('uncaughtException', onError);
  process.on('unhandledRejection', onError);
  return promise;
}
