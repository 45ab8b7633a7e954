/**
 * Addresses that no packet of the internet can come from: IANA's registries of special-purpose addresses (RFC 6890, IPv4 and
 * IPv6, as of 2026-11), multicast (RFC 5771, RFC 4291) and class E (RFC 1112). A file may replace them.
 */
import { type AddressWords, isIpv4 } from '../../metering/address.ts';
import { covers, isIPv4, maskWord, parsePrefix, type Prefix } from '../../tenants/prefix.ts';

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

/** A set of prefixes: an address is looked up once for each length that one of its family has. */
class PrefixSet {
  readonly #ipv4 = new Map<number, Set<number>>();
  readonly #ipv6 = new Map<number, Set<string>>();

  constructor(prefixes: readonly Prefix[]) {
    for (const prefix of prefixes) {
      const { words, length } = prefix;
      if (isIPv4(prefix)) remember(this.#ipv4, length, words[3] & maskWord(length, 3));
      else remember(this.#ipv6, length, keyOf(words, length));
    }
  }

  has(words: AddressWords): boolean {
    if (isIpv4(words)) {
      for (const [length, keys] of this.#ipv4) if (keys.has(words[3] & maskWord(length, 3))) return true;
    } else {
      for (const [length, keys] of this.#ipv6) if (keys.has(keyOf(words, length))) return true;
    }
    return false;
  }
}

function remember<Key>(byLength: Map<number, Set<Key>>, length: number, key: Key): void {
  byLength.set(length, (byLength.get(length) ?? new Set<Key>()).add(key));
}

const keyOf = (words: AddressWords, length: number): string =>
  words.map((word, i) => word & maskWord(length, i)).join(' ');

function prefixesOf(texts: readonly string[]): Prefix[] {
  return texts.map((text) => {
    const prefix = parsePrefix(text);
    if (prefix === null) throw new RangeError(`Cannot list bogons: ${text} is no prefix`);
    return prefix;
  });
}

const MARTIAN_SET = new PrefixSet(prefixesOf(MARTIANS));
const SPECIAL_PREFIXES = Object.values(SPECIAL).map(prefixesOf);

type Addressed = readonly { readonly addresses: readonly string[] }[];

export class Bogons {
  readonly #bogons: PrefixSet;

  /** `list`: prefixes that replace the built-in ones; null: those, but for what the tenants' addresses show to be in use here. */
  constructor(tenants: Addressed, list: readonly string[] | null) {
    this.#bogons = list === null ? builtInFor(tenants) : new PrefixSet(prefixesOf(list));
  }

  /** `martian`: it cannot be a source at all; `bogon`: not on the internet; null: it may be. */
  classify(words: AddressWords): 'martian' | 'bogon' | null {
    if (MARTIAN_SET.has(words)) return 'martian';
    return this.#bogons.has(words) ? 'bogon' : null;
  }
}

/** Every detector of floods asks for those of the same tenants. */
const builtIn = new WeakMap<Addressed, PrefixSet>();

function builtInFor(tenants: Addressed): PrefixSet {
  const known = builtIn.get(tenants) ?? new PrefixSet(unusedBy(tenants));
  builtIn.set(tenants, known);
  return known;
}

function unusedBy(tenants: Addressed): Prefix[] {
  const own = tenants.flatMap(({ addresses }) => addresses.flatMap((text) => parsePrefix(text) ?? []));
  const isUsed = (prefix: Prefix): boolean => own.some((other) => covers(prefix, other) || covers(other, prefix));
  return SPECIAL_PREFIXES.filter((prefixes) => !prefixes.some(isUsed)).flat();
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
