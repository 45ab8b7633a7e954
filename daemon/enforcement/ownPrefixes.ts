/** A tenant's addresses without those that lie in another tenant's narrower prefix, as prefixes that do not overlap. */
import { covers, formatPrefix, networkOf, parsePrefix, type Prefix } from '../tenants/prefix.ts';
import type { Tenant } from '../tenants/tenant.ts';

interface Known {
  readonly prefixes: ReadonlyMap<Tenant, readonly Prefix[]>;
  readonly own: Map<Tenant, readonly string[]>;
}

/** By the list of all tenants: to read and compare thousands of prefixes takes too long for every tick. */
const known = new WeakMap<readonly Tenant[], Known>();

/** The tenant's prefixes as text, with the holes that longest-prefix match leaves in them for others; worked out once. */
export function ownPrefixes(tenant: Tenant, tenants: readonly Tenant[]): readonly string[] {
  const { prefixes, own } = knownOf(tenants);
  const before = own.get(tenant);
  if (before !== undefined) return before;
  const others = [...prefixes].flatMap(([other, theirs]) => (other === tenant ? [] : theirs));
  const found = prefixesOf(tenant).flatMap((prefix) => subtract(prefix, others).map(formatPrefix));
  own.set(tenant, found);
  return found;
}

function knownOf(tenants: readonly Tenant[]): Known {
  const before = known.get(tenants);
  if (before !== undefined) return before;
  const prefixes = new Map(tenants.map((tenant) => [tenant, prefixesOf(tenant)]));
  const found = { prefixes, own: new Map<Tenant, readonly string[]>() };
  known.set(tenants, found);
  return found;
}

const prefixesOf = ({ addresses }: Tenant): Prefix[] =>
  addresses.map(parsePrefix).flatMap((prefix) => (prefix === null ? [] : [networkOf(prefix)]));

/** Halves the prefix until each part is either free of holes or one. */
function subtract(prefix: Prefix, others: readonly Prefix[]): Prefix[] {
  const holes = others.filter((other) => other.length > prefix.length && covers(prefix, other));
  return holes.length === 0 ? [prefix] : halves(prefix).flatMap((half) => without(half, holes));
}

/** Within a prefix that is already the tenant's, a hole as large as the part takes all of it. */
const without = (part: Prefix, holes: readonly Prefix[]): Prefix[] =>
  holes.some((hole) => covers(hole, part)) ? [] : subtract(part, holes);

function halves({ words, length }: Prefix): [Prefix, Prefix] {
  const bit = (word: number): number => (word === length >>> 5 ? 1 << (31 - (length & 31)) : 0);
  const [w0, w1, w2, w3] = words;
  const upper = [w0 | bit(0), w1 | bit(1), w2 | bit(2), w3 | bit(3)] as const;
  return [
    { words, length: length + 1 },
    { words: upper, length: length + 1 },
  ];
}
