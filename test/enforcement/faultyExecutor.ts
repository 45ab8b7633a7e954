/** An executor that counts its runs, and that can fail, or fall silent as if the daemon were killed, in the middle of one. */
import { type Executor, type Scope, TcError } from '../../daemon/enforcement/executor.ts';
import type { Steps } from '../../daemon/enforcement/reconcile.ts';

export type Fault = 'fail' | 'die';

export class FaultyExecutor implements Executor {
  runs = 0;
  /** How often all that stands was read. */
  fullReads = 0;
  /** How many of the next looks at the kernel fail. */
  failingReads = 0;
  /** What somebody else does, once, between the next look at the kernel and what is made of it. */
  meddle: (() => void) | null = null;
  /** Settles when it has fallen silent. */
  readonly died: Promise<void>;
  readonly #inner: Executor;
  #objectsLeft = Infinity;
  #fault: Fault = 'fail';
  #die: () => void = () => {};

  constructor(inner: Executor) {
    this.#inner = inner;
    this.died = new Promise((resolve) => {
      this.#die = resolve;
    });
  }

  /** After so many objects more; Infinity: never. */
  failAfter(objects: number, fault: Fault = 'fail'): void {
    this.#objectsLeft = objects;
    this.#fault = fault;
  }

  probe() {
    return this.#inner.probe();
  }

  look(names: readonly string[]) {
    return this.#inner.look(names);
  }

  async read(scope?: Scope) {
    if (this.failingReads-- > 0) throw new TcError('tc filter show', '', 'interrupted');
    if (scope === undefined) this.fullReads += 1;
    return this.#inner.read(scope);
  }

  count(devices: readonly string[]) {
    return this.#inner.count(devices);
  }

  fingerprint(scope: Scope) {
    return this.#inner.fingerprint(scope);
  }

  async run({ removals, additions, changes }: Steps): Promise<void> {
    this.runs += 1;
    const { meddle } = this;
    this.meddle = null;
    meddle?.();
    const left = this.#objectsLeft;
    const first: Steps = {
      removals: removals.slice(0, left),
      additions: additions.slice(0, Math.max(left - removals.length, 0)),
      changes: changes.slice(0, Math.max(left - removals.length - additions.length, 0)),
    };
    await this.#inner.run(first);
    this.#objectsLeft -= first.removals.length + first.additions.length + first.changes.length;
    if (this.#objectsLeft > 0) return;
    if (this.#fault === 'fail') throw new Error('Cannot go on: the test says so');
    this.#die();
    await new Promise(() => {});
  }
}
