/** What a look-up of a tenant costs at 10,000 prefixes, in CPU ns, beside net.BlockList and a Map per prefix length. */
import { BlockList } from 'node:net';
import process from 'node:process';
import { type AddressWords, formatAddress } from '../../daemon/metering/address.ts';
import { TenantDirectory } from '../../daemon/tenants/directory.ts';
import { formatPrefix, isIPv4, maskWord, networkOf, type Prefix } from '../../daemon/tenants/prefix.ts';

const PREFIXES = 10_000;
const ADDRESSES = 1 << 16;

/** Xorshift (Marsaglia 2003): the same numbers in every run. */
let state = 0x2545f491;
function random(): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return state | 0;
}
const oneOf = (values: readonly number[]): number => values[(random() >>> 8) % values.length] ?? 0;

type Draw = () => AddressWords;
type Lookup = (w0: number, w1: number, w2: number, w3: number) => number;

const SETS: readonly { name: string; draw: Draw; outside: Draw; lengths: readonly number[] }[] = [
  {
    name: 'IPv4 /20../32, whole space',
    draw: () => [0, 0, 0xffff, random()],
    outside: () => [0, 0, 0xffff, random()],
    lengths: [20, 22, 24, 28, 29, 32, 32, 32].map((bits) => 96 + bits),
  },
  {
    name: 'IPv4 /24../32, a provider /14',
    draw: () => [0, 0, 0xffff, 0x0a000000 | (random() >>> 14)],
    outside: () => [0, 0, 0xffff, random()],
    lengths: [24, 28, 29, 30, 32, 32, 32].map((bits) => 96 + bits),
  },
  {
    name: 'IPv6 /40../128, a provider /32',
    draw: () => [0x20010db8, random(), random(), random()],
    outside: () => [0x20000000 | (random() >>> 4), random(), random(), random()],
    lengths: [40, 48, 56, 64, 128, 128],
  },
  {
    name: 'IPv6 /128, 256 networks of hosts',
    draw: () => [0x20010db8, random() & 255, 0, random()],
    outside: () => [0x20010db8, random(), random(), random()],
    lengths: [128],
  },
];

function drawPrefixes(draw: Draw, lengths: readonly number[]): Prefix[] {
  const prefixes = new Map<string, Prefix>();
  while (prefixes.size < PREFIXES) {
    const prefix = networkOf({ words: draw(), length: oneOf(lengths) });
    prefixes.set(formatPrefix(prefix), prefix);
  }
  return [...prefixes.values()];
}

/** An address of the prefix, host bits at random. */
function within({ words: [w0, w1, w2, w3], length }: Prefix): AddressWords {
  const host = (word: number, i: number): number => word | (random() & ~maskWord(length, i));
  return [host(w0, 0), host(w1, 1), host(w2, 2), host(w3, 3)];
}

function flatten(addresses: readonly AddressWords[]): Int32Array {
  return Int32Array.from(addresses.flat());
}

/** CPU ns (user + system) of one look-up. */
function measure(words: Int32Array, rounds: number, lookup: Lookup): number {
  let found = 0;
  const once = (from: number, to: number): void => {
    for (let i = from; i < to; i += 4) found += lookup(words[i]!, words[i + 1]!, words[i + 2]!, words[i + 3]!);
  };
  once(0, words.length);
  const start = process.cpuUsage();
  for (let round = 0; round < rounds; round++) once(0, words.length);
  const { user, system } = process.cpuUsage(start);
  if (found < 0) throw new Error('no look-up answers below 0');
  return ((user + system) * 1000) / (rounds * (words.length / 4));
}

function directoryLookup(directory: TenantDirectory): Lookup {
  return (w0, w1, w2, w3) => directory.lookup(w0, w1, w2, w3);
}

/** Tells only whether, not whose. */
function blockListLookup(prefixes: readonly Prefix[]): Lookup {
  const list = new BlockList();
  for (const prefix of prefixes) {
    const family = isIPv4(prefix) ? 'ipv4' : 'ipv6';
    list.addSubnet(formatAddress(...prefix.words), prefix.length - (family === 'ipv4' ? 96 : 0), family);
  }
  return (w0, w1, w2, w3) => {
    const family = w0 === 0 && w1 === 0 && w2 === 0xffff ? 'ipv4' : 'ipv6';
    return list.check(formatAddress(w0, w1, w2, w3), family) ? 1 : 0;
  };
}

/** Longest first; IPv4 only: a number is the key. */
function mapsLookup(prefixes: readonly Prefix[]): Lookup {
  const byLength = new Map<number, Map<number, number>>();
  prefixes.forEach(({ words, length }, i) => {
    const map = byLength.get(length) ?? new Map<number, number>();
    byLength.set(length, map.set(words[3], i + 1));
  });
  const maps = [...byLength].toSorted(([a], [b]) => b - a).map(([length, map]) => ({ mask: maskWord(length, 3), map }));
  return (_w0, _w1, _w2, w3) => {
    for (const { mask, map } of maps) {
      const tenant = map.get(w3 & mask);
      if (tenant !== undefined) return tenant;
    }
    return 0;
  };
}

const cell = (value: number | null): string => (value === null ? '-' : value.toFixed(1)).padStart(10);

function report({ name, draw, outside, lengths }: (typeof SETS)[number]): void {
  const prefixes = drawPrefixes(draw, lengths);
  const plan = { portBps: null, guaranteed: false, threshold: null, limitBps: null };
  const directory = new TenantDirectory(
    prefixes.map((prefix, i) => ({ id: `t${i}`, addresses: [formatPrefix(prefix)], macs: [], plan })),
  );
  const directoryOf = directoryLookup(directory);
  const blockList = blockListLookup(prefixes);
  const maps = prefixes.every(isIPv4) ? mapsLookup(prefixes) : null;
  const inside = Array.from({ length: ADDRESSES }, () => within(prefixes[(random() >>> 1) % PREFIXES]!));
  for (const [kind, addresses] of [
    ['hits', inside],
    ['misses', Array.from({ length: ADDRESSES }, outside)],
  ] as const) {
    const words = flatten(addresses);
    const figures = [
      measure(words, 50, directoryOf),
      maps && measure(words, 20, maps),
      measure(words.subarray(0, 4 * 4096), 1, blockList),
    ];
    process.stdout.write(`${name.padEnd(34)}${kind.padEnd(8)}${figures.map(cell).join('')}\n`);
  }
  process.stdout.write(`${' '.repeat(34)}${(directory.byteLength / 1024).toFixed(0)} KiB\n`);
}

process.stdout.write(
  `ns a look-up, ${PREFIXES} prefixes`.padEnd(42) +
    ['directory', 'maps', 'BlockList'].map((s) => s.padStart(10)).join('') +
    '\n',
);
for (const set of SETS) report(set);
