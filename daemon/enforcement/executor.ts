/** The contract between the limiter and what reads the kernel and carries its steps out. */
import type { Capabilities } from './capabilities.ts';
import type { KernelState } from './kernelState.ts';
import type { Steps } from './reconcile.ts';

export interface Executor {
  probe(): Promise<Capabilities>;
  /** The interfaces that there are; a text that changes when one goes down or is made anew. */
  interfaces(): Promise<ReadonlyMap<string, string>>;
  /** What stands on our devices and on these interfaces. */
  read(interfaces: ReadonlySet<string> | 'all'): Promise<KernelState>;
  /** Carries the steps out in their order, up to the first that fails: then it rejects. */
  run(steps: Steps): Promise<void>;
}
