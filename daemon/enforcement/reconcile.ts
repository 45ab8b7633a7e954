/** Desired objects against standing ones → the steps between them, in an order that never steers a packet to nothing. */
import { type DesiredObject, layerOrder, type StandingObject } from './tcObject.ts';

export interface Steps {
  /** Steering first, devices last. */
  readonly removals: readonly StandingObject[];
  /** Added, or changed in place: devices first, steering last. */
  readonly additions: readonly DesiredObject[];
  readonly changes: readonly DesiredObject[];
}

/** 2,000 lines take tc less than half a second. */
const BATCH_LINES = 2000;

export type Tool = 'ip' | 'tc';

/** Lines for one `ip -batch` or `tc -batch`: each is one process with one time limit. */
export interface Batch {
  readonly tool: Tool;
  readonly lines: readonly string[];
}

/** `others`: devices that stand as they should, and are not among those objects. */
export function planSteps(
  desired: readonly DesiredObject[],
  standing: readonly StandingObject[],
  others: Iterable<string> = [],
): Steps {
  const wanted = new Map(desired.map((object) => [object.key, object]));
  const found = new Map(standing.map((object) => [object.key, object]));
  const gone = goneObjects(wanted, standing, others);
  const changed = desired.filter((object) => {
    const state = found.get(object.key)?.state;
    return state !== undefined && state !== object.state && object.change !== null && !gone.has(object.key);
  });
  return {
    removals: standing
      .filter(
        ({ key, within, layer }) => gone.has(key) && (layer === 'steering' || within === null || !gone.has(within)),
      )
      .toSorted((a, b) => layerOrder(b) - layerOrder(a)),
    additions: desired.filter(({ key }) => !found.has(key) || gone.has(key)),
    changes: changed,
  };
}

/**
 * Keys of what must not stay: what nobody wants, what differs and cannot be changed in place, what goes along with
 * another. And steering to a device that is away or down, which would lose the tenant's every packet.
 */
function goneObjects(
  wanted: ReadonlyMap<string, DesiredObject>,
  standing: readonly StandingObject[],
  others: Iterable<string>,
): Set<string> {
  const usable = new Set(others);
  for (const { layer, key, state } of standing)
    if (layer === 'device' && wanted.get(key)?.state === state) usable.add(key);
  const gone = new Set<string>();
  for (const { key, state, remove, within, target } of standing.toSorted((a, b) => layerOrder(a) - layerOrder(b))) {
    const object = wanted.get(key);
    const stale = object === undefined || (object.state !== state && object.change === null);
    const lost = target !== null && !usable.has(target);
    if ((remove !== null && (stale || lost)) || (within !== null && gone.has(within))) gone.add(key);
  }
  return gone;
}

export const isEmpty = ({ removals, additions, changes }: Steps): boolean =>
  removals.length + additions.length + changes.length === 0;

const isDevice = ({ layer }: { readonly layer: string }): boolean => layer === 'device';

/** The steps as batches: what hangs on a device goes before it and comes after it. */
export function renderSteps({ removals, additions, changes }: Steps): Batch[] {
  const goes = removals.map((object) => ({ ...object, line: object.remove ?? '' }));
  const comes = [
    ...additions.map((object) => ({ ...object, line: object.add })),
    ...changes.map((object) => ({ ...object, line: object.change ?? '' })),
  ].toSorted((a, b) => layerOrder(a) - layerOrder(b));
  return [
    ...batches(
      'tc',
      goes.filter((step) => !isDevice(step)),
    ),
    ...batches('ip', [...goes, ...comes].filter(isDevice)),
    ...batches(
      'tc',
      comes.filter((step) => !isDevice(step)),
    ),
  ];
}

const batches = (tool: Tool, steps: readonly { readonly line: string }[]): Batch[] =>
  Array.from({ length: Math.ceil(steps.length / BATCH_LINES) }, (_, i) => ({
    tool,
    lines: steps.slice(i * BATCH_LINES, (i + 1) * BATCH_LINES).map(({ line }) => line),
  }));
