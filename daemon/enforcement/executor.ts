/** The contract between the limiter and what reads the kernel and carries its steps out. */
import type { Capabilities } from './capabilities.ts';
import type { KernelState } from './kernelState.ts';
import type { Steps } from './reconcile.ts';

export interface Executor {
  probe(): Promise<Capabilities>;
  /** The interfaces that there are; a text that changes when one goes down or is made anew. */
  interfaces(): Promise<ReadonlyMap<string, string>>;
  /** What stands, on every interface: one that was renamed must not go on steering to a device that is removed. */
  read(): Promise<KernelState>;
  /** Carries the steps out in their order, up to the first that fails: then it rejects with a TcError. */
  run(steps: Steps): Promise<void>;
}

/** tc or ip did not do what it was told. */
export class TcError extends Error {
  override readonly name = 'TcError';
  /** The line that failed where one is named, else the arguments. */
  readonly command: string;
  /** Empty: it never ran, or not to its end. */
  readonly stderr: string;

  constructor(command: string, stderr: string, why: string) {
    super(`Cannot run ${command}: ${why}`);
    this.command = command;
    this.stderr = stderr;
  }
}
