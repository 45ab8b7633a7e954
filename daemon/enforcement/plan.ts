/** Limits → the exact tc objects that hold them: devices, qdiscs, classes, filters, with their commands. */
import { networkOf, parsePrefix, type Prefix } from '../tenants/prefix.ts';
import type { Capabilities } from './capabilities.ts';
import type { Limit } from './limit.ts';
import { deviceObjects, tenantObjects } from './shaping.ts';
import { baseObjects, limitFilters, type Match, type PlacedLimit } from './steering.ts';
import { type DesiredObject, layerOrder, MAX_ITEMS, MAX_SLOT } from './tcObject.ts';
import { bucketsOf, protocolOf } from './u32.ts';

/** On one pair of devices: adding an HTB class walks all others, so that 3,000 tenants cost nine times what 1,000 do. */
const MAX_TENANTS = 3000;
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

export interface Plan {
  /** In the order of adding; none at all without a limit. */
  readonly objects: readonly DesiredObject[];
  readonly refused: readonly Refusal[];
}

/** The same limits give the same plan, in whatever order they come. */
export function planObjects(limits: readonly Limit[], capabilities: Capabilities): Plan {
  const { placed, refused } = placeLimits(limits);
  if (placed.length === 0) return { objects: [], refused };
  const rates = new Map(placed.map(({ limit }) => [limit.slot, limit.rateBps]));
  const interfaces = new Map(placed.map(({ limit }) => [limit.interface, limit.faces]));
  const objects = [
    ...deviceObjects(),
    ...[...rates].flatMap(([slot, rateBps]) => tenantObjects(slot, rateBps, capabilities)),
    ...baseObjects(interfaces),
    ...placed.flatMap(limitFilters),
  ];
  return { objects: objects.toSorted((a, b) => layerOrder(a) - layerOrder(b)), refused };
}

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
  const bad = addresses.find((text) => parsePrefix(text) === null);
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
    if (sameSlot === undefined && bySlot.size === MAX_TENANTS) return `${MAX_TENANTS} tenants are limited already`;
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
    const matches: Match[] = [];
    const portItem = limit.faces === 'tenant' ? takeItem(taken, 'port', limit.slot) : 0;
    for (const prefix of prefixesOf(limit)) {
      for (const bucket of bucketsOf(prefix)) {
        const item = takeItem(taken, `${protocolOf(prefix)} ${bucket}`, limit.slot);
        matches.push({ prefix, bucket, item });
      }
    }
    const full = portItem === NONE || matches.some(({ item }) => item === NONE);
    return full ? `more than ${MAX_ITEMS} prefixes share a hash bucket` : { limit, matches, portItem };
  };
}

/** The tenant's slot where it is free, else a number far from it, so that one tenant's prefixes do not move another's. */
function takeItem(taken: Map<string, Set<number>>, bucket: string, slot: number): number {
  const items = taken.get(bucket) ?? new Set();
  if (items.size === MAX_ITEMS) return NONE;
  let item = ((slot - 1) % MAX_ITEMS) + 1;
  while (items.has(item)) item = ((item - 1 + ITEM_STEP) % MAX_ITEMS) + 1;
  taken.set(bucket, items.add(item));
  return item;
}

const prefixesOf = ({ addresses }: Limit): Prefix[] =>
  addresses.map(parsePrefix).flatMap((prefix) => (prefix === null ? [] : [networkOf(prefix)]));
