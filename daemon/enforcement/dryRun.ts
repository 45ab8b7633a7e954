/** An executor that carries nothing out: it keeps the commands that would have run, and what would stand then. */
import type { Capabilities } from './capabilities.ts';
import type { Executor } from './executor.ts';
import type { KernelState } from './kernelState.ts';
import { renderSteps, type Steps } from './reconcile.ts';
import { clsactKey, DEVICES, type DesiredObject, type StandingObject } from './tcObject.ts';

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

  interfaces(): Promise<ReadonlyMap<string, string>> {
    return Promise.resolve(this.#interfaces);
  }

  read(): Promise<KernelState> {
    return Promise.resolve({
      objects: [...this.#objects.values()],
      interfaces: this.#interfaces,
      blocked: new Map(),
      leaves: new Map(),
      steered: new Map(),
    });
  }

  run(steps: Steps): Promise<void> {
    const lines = renderSteps(steps).flatMap((batch) => batch.lines.map((line) => `${batch.tool} ${line}`));
    this.#lines = [...this.#lines, ...lines].slice(-MAX_LINES);
    const gone = new Set(steps.removals.map(({ key }) => key));
    const kept = [...this.#objects].filter(
      ([key, { within }]) => !gone.has(key) && (within === null || !gone.has(within)),
    );
    const come = [...steps.additions, ...steps.changes].map((object): [string, StandingObject] => [
      object.key,
      standing(object),
    ]);
    this.#objects = new Map([...kept, ...come]);
    return Promise.resolve();
  }
}

/** A key begins with the device that the object is on. */
function standing({ layer, key, state }: DesiredObject): StandingObject {
  const [device = ''] = key.split(' ');
  const container = DEVICES.some(({ name }) => name === device) ? device : clsactKey(device);
  return { layer, key, state, remove: `del ${key}`, within: key === container ? null : container, target: null };
}
