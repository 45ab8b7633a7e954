/** An executor that carries nothing out: it keeps the commands that would have run, and what would stand then. */
import type { Capabilities } from './capabilities.ts';
import type { Executor } from './executor.ts';
import type { KernelState, QueueCounter } from './kernelState.ts';
import { renderSteps, type Steps } from './reconcile.ts';
import { layerOrder, type StandingObject, standingOf } from './tcObject.ts';

/** Lines kept: the newest. */
const MAX_LINES = 10_000;

export class DryRun implements Executor {
  readonly #interfaces: ReadonlyMap<string, string>;
  #objects: ReadonlyMap<string, StandingObject> = new Map();
  #lines: readonly string[] = [];

  /** Takes the names of the interfaces that are said to be there. */
  constructor(interfaces: readonly string[]) {
    this.#interfaces = new Map(interfaces.map((name) => [name, 'up']));
  }

  /** The commands, each with its tool: `tc class add …`. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  probe(): Promise<Capabilities> {
    return Promise.resolve({ fqCodel: true, missing: [] });
  }

  look(names: readonly string[]): ReadonlyMap<string, string> {
    const states = names.map((name): [string, string | undefined] => [name, this.#states().get(name)]);
    return new Map(states.flatMap(([name, state]) => (state === undefined ? [] : [[name, state]])));
  }

  read(): Promise<KernelState> {
    return Promise.resolve({
      objects: [...this.#objects.values()],
      interfaces: this.#states(),
      blocked: new Map(),
      leaves: new Map(),
      steered: new Map(),
    });
  }

  count(): Promise<ReadonlyMap<string, QueueCounter>> {
    return Promise.resolve(new Map());
  }

  fingerprint(): Promise<string> {
    return Promise.resolve([...this.#objects].map(([key, { state }]) => `${key} ${state}`).join());
  }

  run(steps: Steps): Promise<void> {
    const lines = renderSteps(steps).flatMap((batch) => batch.lines.map((line) => `${batch.tool} ${line}`));
    this.#lines = [...this.#lines, ...lines].slice(-MAX_LINES);
    const gone = new Set(steps.removals.map(({ key }) => key));
    for (const { key, within } of this.#inOrder()) if (within !== null && gone.has(within)) gone.add(key);
    const kept = [...this.#objects].filter(([key]) => !gone.has(key));
    const come = [...steps.additions, ...steps.changes].map((object): [string, StandingObject] => [
      object.key,
      standingOf(object),
    ]);
    this.#objects = new Map([...kept, ...come]);
    return Promise.resolve();
  }

  /** What others go along with before these. */
  #inOrder(): StandingObject[] {
    return [...this.#objects.values()].toSorted((a, b) => layerOrder(a) - layerOrder(b));
  }

  /** With the devices that would have been made. */
  #states(): ReadonlyMap<string, string> {
    const devices = [...this.#objects.values()].filter(({ layer }) => layer === 'device');
    return new Map([...this.#interfaces, ...devices.map(({ key }): [string, string] => [key, 'up'])]);
  }
}
