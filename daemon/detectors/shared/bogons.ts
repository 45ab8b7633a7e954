/**
 * Addresses that no packet of the internet can come from: IANA's registries of special-purpose addresses (RFC 6890, IPv4 and
 * IPv6, as of 2026-11), multicast (RFC 5771, RFC 4291) and class E (RFC 1112). A file may replace them.
 */
import type { AddressWords } from '../../metering/address.ts';
import { maskWord, parsePrefix, type Prefix } from '../../tenants/prefix.ts';

/** Never the source of a packet on any wire. */
const MARTIANS = ['0.0.0.0/8', '127.0.0.0/8', '224.0.0.0/4', '240.0.0.0/4', '::1/128', 'ff00::/8'];

/** By purpose; a site that uses some of one is taken to use them all. */
const SPECIAL: Readonly<Record<string, readonly string[]>> = {
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'],
  shared: ['100.64.0.0/10'],
  linkLocal: ['169.254.0.0/16'],
  documentation: ['192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24'],
  documentation6: ['2001:db8::/32', '3fff::/20'],
  benchmarking: ['198.18.0.0/15', '2001:2::/48'],
  uniqueLocal: ['fc00::/7'],
  protocol: ['192.0.0.0/24', '64:ff9b:1::/48', '100::/64', '5f00::/16'],
};

/** A set of prefixes: an address is looked up once for each length that one of them has. */
class PrefixSet {
  readonly #byLength = new Map<number, Set<string>>();

  constructor(prefixes: readonly string[]) {
    for (const text of prefixes) {
      const prefix = parsePrefix(text);
      if (prefix === null) throw new RangeError(`Cannot list bogons: ${text} is no prefix`);
      const known = this.#byLength.get(prefix.length) ?? new Set();
      this.#byLength.set(prefix.length, known.add(keyOf(prefix.words, prefix.length)));
    }
  }

  has(words: AddressWords): boolean {
    for (const [length, keys] of this.#byLength) if (keys.has(keyOf(words, length))) return true;
    return false;
  }
}

const keyOf = (words: AddressWords, length: number): string =>
  words.map((word, i) => word & maskWord(length, i)).join(' ');

export class Bogons {
  readonly #martians = new PrefixSet(MARTIANS);
  readonly #bogons: PrefixSet;

  /** `list`: prefixes that replace the built-in ones; null: those, but for what the tenants' addresses show to be in use here. */
  constructor(tenants: readonly { readonly addresses: readonly string[] }[], list: readonly string[] | null) {
    const own = tenants.flatMap(({ addresses }) => addresses.flatMap((text) => parsePrefix(text) ?? []));
    const isUsed = (prefixes: readonly string[]): boolean =>
      prefixes.some((text) => own.some((prefix) => overlaps(parsePrefix(text), prefix)));
    this.#bogons = new PrefixSet(
      list ??
        Object.values(SPECIAL)
          .filter((prefixes) => !isUsed(prefixes))
          .flat(),
    );
  }

  /** `martian`: it cannot be a source at all; `bogon`: not on the internet; null: it may be. */
  classify(words: AddressWords): 'martian' | 'bogon' | null {
    if (this.#martians.has(words)) return 'martian';
    return this.#bogons.has(words) ? 'bogon' : null;
  }
}

function overlaps(a: Prefix | null, b: Prefix): boolean {
  if (a === null) return false;
  const length = Math.min(a.length, b.length);
  return keyOf(a.words, length) === keyOf(b.words, length);
}

/** Of text with a prefix a line, as lists of bogons have it; `#` begins a comment. Whatever is no prefix is told. */
export function parseBogons(text: string): { prefixes: string[]; wrong: string[] } {
  const lines = text.split('\n').map((line) => line.replace(/#.*/, '').trim());
  const entries = lines.filter((line) => line !== '');
  return {
    prefixes: entries.filter((entry) => parsePrefix(entry) !== null),
    wrong: entries.filter((entry) => parsePrefix(entry) === null),
  };
}
