/**
 * Which tenant an address belongs to, by longest prefix: a trie compressed in its paths and its levels (Nilsson and
 * Karlsson, "IP-Address Lookup Using LC-Tries", 1999), in one array of integers. A block tests a prefix once and then
 * picks one of its 2^k entries by the k bits that follow it; k grows with the number of prefixes below, so that the
 * array stays in proportion to their number and two or three blocks answer.
 */
import { isIPv4, maskWord, networkOf, parsePrefix, type Prefix } from './prefix.ts';
import type { Tenant } from './tenant.ts';

/** An entry is a tenant's number (0: nobody), or ~(where a block starts). A block: */
const MISS = 0; // the answer where the address is outside the block's prefix
const WORD_3 = 1;
const MASK_3 = 2;
const SHIFT = 3; // the entry is the one at (word >>> SHIFT) & PICK
const PICK = 4;
const ENTRIES = 5;
/** Before a block of IPv6: which word has the picking bits, words 0 … 2 of the prefix, their masks. */
const WORD = -7;
const WORD_0 = -6;
const MASK_0 = -3;

/** 2^16 entries at most in a block. */
const MAX_PICKED_BITS = 16;

interface Route extends Prefix {
  readonly tenant: number;
}

export class TenantDirectory {
  readonly #trie: Int32Array;
  readonly #rootIPv4: number;
  readonly #rootIPv6: number;

  /** Of equal prefixes the last one counts. Throws RangeError on text that is no prefix. */
  constructor(tenants: readonly Tenant[]) {
    const routes = tenants.flatMap((tenant, i) => tenant.addresses.map((text) => routeOf(text, i + 1)));
    routes.sort(compareRoutes);
    const [ipv4 = [], ipv6 = []] = [true, false].map((family) => routes.filter((route) => isIPv4(route) === family));
    const cells: number[] = [];
    this.#rootIPv4 = build(cells, ipv4, 0);
    this.#rootIPv6 = build(cells, ipv6, 0);
    this.#trie = Int32Array.from(cells);
  }

  /** Memory of the trie. */
  get byteLength(): number {
    return this.#trie.byteLength;
  }

  /** The number of the tenant that has the address, 1 for the first; 0: nobody. Words are signed, as `address ^ 0`. */
  lookup(w0: number, w1: number, w2: number, w3: number): number {
    return w0 === 0 && w1 === 0 && w2 === 0xffff ? this.lookupIPv4(w3) : this.lookupIPv6(w0, w1, w2, w3);
  }

  lookupIPv4(address: number): number {
    const trie = this.#trie;
    let entry = this.#rootIPv4;
    while (entry < 0) {
      const block = ~entry;
      if (((address ^ trie[block + WORD_3]!) & trie[block + MASK_3]!) !== 0) return trie[block + MISS]!;
      entry = trie[block + ENTRIES + ((address >>> trie[block + SHIFT]!) & trie[block + PICK]!)]!;
    }
    return entry;
  }

  lookupIPv6(w0: number, w1: number, w2: number, w3: number): number {
    const trie = this.#trie;
    let entry = this.#rootIPv6;
    while (entry < 0) {
      const block = ~entry;
      const differs =
        ((w0 ^ trie[block + WORD_0]!) & trie[block + MASK_0]!) |
        ((w1 ^ trie[block + WORD_0 + 1]!) & trie[block + MASK_0 + 1]!) |
        ((w2 ^ trie[block + WORD_0 + 2]!) & trie[block + MASK_0 + 2]!) |
        ((w3 ^ trie[block + WORD_3]!) & trie[block + MASK_3]!);
      if (differs !== 0) return trie[block + MISS]!;
      const at = trie[block + WORD]!;
      const word = at < 2 ? (at === 0 ? w0 : w1) : at === 2 ? w2 : w3;
      entry = trie[block + ENTRIES + ((word >>> trie[block + SHIFT]!) & trie[block + PICK]!)]!;
    }
    return entry;
  }
}

function routeOf(text: string, tenant: number): Route {
  const prefix = parsePrefix(text);
  if (prefix === null) throw new RangeError(`Cannot index tenants: ${text} is no prefix`);
  return { ...networkOf(prefix), tenant };
}

/** By address, the wider prefix first: what a prefix covers comes after it. */
function compareRoutes(a: Route, b: Route): number {
  const word = a.words.findIndex((bits, i) => bits !== b.words[i]);
  return word < 0 ? a.length - b.length : (a.words[word]! >>> 0) - (b.words[word]! >>> 0);
}

/** Writes the trie of sorted routes and answers its entry; `outside` is the tenant of what no route covers. */
function build(cells: number[], routes: readonly Route[], outside: number): number {
  const first = routes[0];
  const last = routes.at(-1);
  if (first === undefined || last === undefined) return outside;
  const shared = sharedLength(first, last);
  const coversAll = first.length <= shared;
  const length = coversAll ? first.length : shared;
  const block = openBlock(cells, first, length, coversAll ? 0 : pickedBits(length, routes.length), outside);
  if (coversAll) cells[block + ENTRIES] = build(cells, routes.slice(1), first.tenant);
  else fillEntries(cells, block, length, routes);
  return ~block;
}

/** Bits that two addresses have in common. */
function sharedLength({ words: a }: Prefix, { words: b }: Prefix): number {
  const word = a.findIndex((bits, i) => bits !== b[i]);
  return word < 0 ? 128 : word * 32 + Math.clz32(a[word]! ^ b[word]!);
}

/** Four to eight entries for each route, within a word. */
const pickedBits = (length: number, routes: number): number =>
  Math.min(34 - Math.clz32(routes - 1), MAX_PICKED_BITS, 32 - (length & 31));

/** An empty block for the first `length` bits of the route's address: every entry is `outside`. */
function openBlock(cells: number[], route: Route, length: number, bits: number, outside: number): number {
  const [w0, w1, w2, w3] = networkOf({ words: route.words, length }).words;
  const mask = (word: number): number => maskWord(length, word);
  if (!isIPv4(route)) cells.push((length >>> 5) & 3, w0, w1, w2, mask(0), mask(1), mask(2));
  const block = cells.length;
  cells.push(outside, w3, mask(3), bits === 0 ? 0 : 32 - (length & 31) - bits, (1 << bits) - 1);
  for (let i = 0; i < 1 << bits; i++) cells.push(outside);
  return block;
}

/** Sorted routes: a wide one fills its entries first, narrower ones inside it overwrite their part. */
function fillEntries(cells: number[], block: number, length: number, routes: readonly Route[]): void {
  const shift = cells[block + SHIFT]!;
  const endLength = (length & ~31) + 32 - shift;
  const groups = Map.groupBy(routes, ({ words }) => (words[length >>> 5]! >>> shift) & cells[block + PICK]!);
  for (const [entry, group] of groups) {
    const at = block + ENTRIES + entry;
    const wide = group.filter((route) => route.length <= endLength);
    for (const route of wide) cells.fill(route.tenant, at, at + (1 << (endLength - route.length)));
    cells[at] = build(cells, group.slice(wide.length), cells[at]!);
  }
}
