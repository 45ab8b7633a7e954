/** The contract between the limiter and what reads the kernel and carries its steps out. */
import type { Capabilities } from './capabilities.ts';
import type { KernelState, QueueCounter } from './kernelState.ts';
import type { Steps } from './reconcile.ts';

/** A part of the kernel: devices of ours, and interfaces that packets are steered from. */
export interface Scope {
  readonly devices: readonly string[];
  readonly interfaces: readonly string[];
}

export interface Executor {
  probe(): Promise<Capabilities>;
  /** Of those among the interfaces that there are: a text that changes when one goes down or is made anew. Cheap. */
  look(names: readonly string[]): ReadonlyMap<string, string>;
  /** What stands, on every interface where no scope is given: one that was renamed must not go on steering to a device that is removed. */
  read(scope?: Scope): Promise<KernelState>;
  /** By `leafCounterKey`: what the queues of the devices have counted. */
  count(devices: readonly string[]): Promise<ReadonlyMap<string, QueueCounter>>;
  /** A text that changes when anything changes there but counters. */
  fingerprint(scope: Scope): Promise<string>;
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
