/**
 * Limits → the exact tc objects that hold them: devices, qdiscs, classes, filters, with their commands. In groups, so that one
 * limit among thousands is planned alone.
 */
import { networkOf, parsePrefix, type Prefix } from '../tenants/prefix.ts';
import type { Capabilities } from './capabilities.ts';
import type { Limit } from './limit.ts';
import { deviceObjects, tenantObjects } from './shaping.ts';
import { classify, deviceLists, interfaceLists, type Match, type PlacedLimit, steer } from './steering.ts';
import { type DesiredObject, devicesOf, layerOrder, MAX_ITEMS, MAX_SLOT, PASS_ITEMS, shardOf } from './tcObject.ts';
import { bucketsOf, protocolOf } from './u32.ts';

/** Below, a single full frame takes longer than 0.75 s. */
export const MIN_RATE_BPS = 16_000;
/** Coprime to MAX_ITEMS: steps of it come by every item. */
const ITEM_STEP = 1361;
const NONE = -1;
/** What tc takes unquoted, within what the kernel takes as a name (dev_valid_name, net/core/dev.c). */
const INTERFACE_NAME = /^[A-Za-z0-9_.@-]{1,15}$/;

export interface Refusal {
  readonly limit: Limit;
  readonly reason: string;
}

/** Objects that come and go together. */
export interface Group {
  /** The key of the group that its own hang on: a pair of devices, or an interface. Its own key, where it is that group. */
  readonly container: string;
  /** Two of one key that differ in nothing have the same objects. */
  readonly signature: string;
  readonly objects: () => readonly DesiredObject[];
}

export interface Plan {
  /** None at all without a limit. */
  readonly groups: ReadonlyMap<string, Group>;
  readonly refused: readonly Refusal[];
}

export interface PlanOptions {
  readonly capabilities: Capabilities;
  /** No packet to or from these is steered. */
  readonly exempt: readonly string[];
}

const shardKey = (shard: number): string => `shard ${shard}`;
const interfaceKey = (name: string): string => `interface ${name}`;

/** The same limits give the same plan, in whatever order they come. */
export function planLimits(limits: readonly Limit[], options: PlanOptions): Plan {
  const { placed, refused } = placeLimits(limits);
  const groups = new Map<string, Group>();
  for (const one of placed) for (const [key, group] of groupsOf(one, options)) groups.set(key, group);
  return { groups, refused };
}

/** Of some groups, in the order of adding. */
export const objectsOf = (groups: Iterable<Group>): DesiredObject[] =>
  [...groups].flatMap(({ objects }) => objects()).toSorted((a, b) => layerOrder(a) - layerOrder(b));

function groupsOf(placed: PlacedLimit, { capabilities, exempt }: PlanOptions): [string, Group][] {
  const { slot, rateBps, interface: name, faces } = placed.limit;
  const shard = shardOf(slot);
  const [onDevices, onInterface] = [shardKey(shard), interfaceKey(name)];
  return [
    [
      onDevices,
      {
        container: onDevices,
        signature: '',
        objects: () => [...deviceObjects(shard), ...devicesOf(shard).flatMap(deviceLists)],
      },
    ],
    [
      onInterface,
      {
        container: onInterface,
        signature: `${faces} ${exempt.join()}`,
        objects: () => interfaceLists(name, faces, prefixesOf(exempt)),
      },
    ],
    [
      `tenant ${slot}`,
      {
        container: onDevices,
        signature: `${rateBps} ${capabilities.fqCodel}`,
        objects: () => tenantObjects(slot, rateBps, capabilities),
      },
    ],
    [
      `classes ${slot} ${name}`,
      { container: onDevices, signature: signatureOf(placed), objects: () => classify(placed) },
    ],
    [
      `steering ${slot} ${name}`,
      { container: onInterface, signature: signatureOf(placed), objects: () => steer(placed) },
    ],
  ];
}

const signatureOf = ({ limit, matches, spared, portItem }: PlacedLimit): string =>
  [limit.faces, portItem, limit.addresses, limit.spared, ...[...matches, ...spared].map(({ item }) => item)].join();

function placeLimits(limits: readonly Limit[]): { placed: PlacedLimit[]; refused: Refusal[] } {
  const placed: PlacedLimit[] = [];
  const refused: Refusal[] = [];
  const conflict = conflicts();
  const place = placer();
  for (const limit of limits.toSorted(compareLimits)) {
    const fit = refuseAlone(limit) ?? conflict(limit) ?? place(limit);
    if (typeof fit === 'string') refused.push({ limit, reason: fit });
    else placed.push(fit);
  }
  return { placed, refused };
}

const compareLimits = (a: Limit, b: Limit): number =>
  a.slot - b.slot || Number(a.interface > b.interface) - Number(a.interface < b.interface);

function refuseAlone({ slot, rateBps, addresses, interface: name, faces }: Limit): string | null {
  const bad = addresses.find((text) => bucketsByText(text) === null);
  if (bad !== undefined) return `${bad} is no prefix`;
  if (!Number.isInteger(slot) || slot < 1 || slot > MAX_SLOT) return `only tenants 1 … ${MAX_SLOT} can be limited`;
  if (!(rateBps >= MIN_RATE_BPS)) return `the limit is below ${MIN_RATE_BPS / 1000} kbit/s`;
  if (!INTERFACE_NAME.test(name)) return `${JSON.stringify(name)} is no name of an interface`;
  return faces === 'internet' && addresses.length === 0 ? 'the tenant has no addresses' : null;
}

/** Answers limit after limit: why it cannot stand beside those before it, or null. */
function conflicts(): (limit: Limit) => string | null {
  const bySlot = new Map<number, Limit>();
  const byInterface = new Map<string, Limit>();
  return (limit) => {
    const sameSlot = bySlot.get(limit.slot);
    const sameInterface = byInterface.get(limit.interface);
    if (sameSlot !== undefined && sameSlot.rateBps !== limit.rateBps) return 'the tenant has a limit of another rate';
    if (sameInterface !== undefined && (limit.faces === 'tenant' || sameInterface.faces === 'tenant'))
      return `${limit.interface} is the port of ${sameInterface.tenant}`;
    bySlot.set(limit.slot, limit);
    byInterface.set(limit.interface, limit);
    return null;
  };
}

/** Answers limit after limit: its item numbers. */
function placer(): (limit: Limit) => PlacedLimit | string {
  const taken = new Map<string, Set<number>>();
  return (limit) => {
    const { slot, faces, addresses, interface: name } = limit;
    const portItem = faces === 'tenant' ? takeItem(taken, 'port', slot) : 0;
    const matches = addresses.flatMap(bucketed).map((match) => {
      return { ...match, item: takeItem(taken, `${match.protocol} ${match.bucket}`, slot) };
    });
    const spared = (faces === 'tenant' ? [] : limit.spared).flatMap(bucketed).map((match) => {
      return { ...match, item: takePassItem(taken, `${name} ${match.protocol} ${match.bucket}`) };
    });
    if (spared.some(({ item }) => item === NONE))
      return `more than ${PASS_ITEMS} of this host's addresses share a hash bucket`;
    const full = portItem === NONE || matches.some(({ item }) => item === NONE);
    return full ? `more than ${MAX_ITEMS} prefixes share a hash bucket` : { limit, matches, spared, portItem };
  };
}

/** The tenant's slot where it is free, else a number far from it, so that one tenant's prefixes do not move another's. */
function takeItem(taken: Map<string, Set<number>>, bucket: string, slot: number): number {
  const items = taken.get(bucket) ?? new Set();
  if (items.size === MAX_ITEMS) return NONE;
  let item = (slot - 1) % MAX_ITEMS;
  while (items.has(item)) item = (item + ITEM_STEP) % MAX_ITEMS;
  taken.set(bucket, items.add(item));
  return item + PASS_ITEMS + 1;
}

/** One before all of those. */
function takePassItem(taken: Map<string, Set<number>>, bucket: string): number {
  const items = taken.get(bucket) ?? new Set();
  if (items.size === PASS_ITEMS) return NONE;
  taken.set(bucket, items.add(items.size + 1));
  return items.size;
}

interface Bucketed extends Omit<Match, 'item'> {
  readonly protocol: string;
}

/** By text: the prefixes of a thousand limits are planned again with each that comes. */
const known = new Map<string, readonly Bucketed[] | null>();
const MAX_KNOWN = 100_000;

const bucketed = (text: string): readonly Bucketed[] => bucketsByText(text) ?? [];

/** The prefix in each bucket that its addresses fall into; null: it is none. */
function bucketsByText(text: string): readonly Bucketed[] | null {
  const before = known.get(text);
  if (before !== undefined) return before;
  const [prefix] = prefixesOf([text]);
  const protocol = prefix === undefined ? '' : protocolOf(prefix);
  const found = prefix === undefined ? null : bucketsOf(prefix).map((bucket) => ({ prefix, bucket, protocol }));
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(text, found);
  return found;
}

const prefixesOf = (texts: readonly string[]): Prefix[] =>
  texts.map(parsePrefix).flatMap((prefix) => (prefix === null ? [] : [networkOf(prefix)]));
