/** Rules of the u32 classifier (tc-u32(8)): which bytes they compare, which hash bucket they lie in, their text. */
import { isIPv4, maskWord, type Prefix } from '../tenants/prefix.ts';

export type Side = 'src' | 'dst';
export type Protocol = 'ip' | 'ipv6';

/** Matches where (the 32-bit word at byte `at` of the IP header & mask) is value. */
export interface Word {
  readonly value: number;
  readonly mask: number;
  readonly at: number;
}

/** What one rule matches, and what becomes of a packet that does. A rule without a consequence never ends the search. */
export interface Rule {
  readonly words: readonly Word[];
  /** The interface that the packet was steered from. */
  readonly indev?: string | undefined;
  /** Searches another table, in the bucket that the bits under `hash.mask` of the word at `hash.at` name. */
  readonly link?: string | undefined;
  readonly hash?: { readonly mask: number; readonly at: number } | undefined;
  readonly flowid?: string | undefined;
  readonly redirect?: { readonly to: string; readonly cookie: string } | undefined;
}

export const ANY: Word = { value: 0, mask: 0, at: 0 };

/** Buckets of a table: one for each value of the eight bits that it is hashed by. */
export const BUCKETS = 256;

const hex = (word: number): string => `0x${(word >>> 0).toString(16).padStart(8, '0')}`;

/** The rule as tc takes it. What tc shows of a rule gives the same text, so that two rules are compared by it. */
export function renderRule({ words, indev, link, hash, flowid, redirect }: Rule): string {
  const parts = words.map(({ value, mask, at }) => `match u32 ${hex(value)} ${hex(mask)} at ${at}`);
  if (hash !== undefined) parts.push(`hashkey mask ${hex(hash.mask)} at ${hash.at}`);
  if (link !== undefined) parts.push(`link ${link}`);
  if (indev !== undefined) parts.push(`indev ${indev}`);
  if (flowid !== undefined) parts.push(`flowid ${flowid}`);
  if (redirect !== undefined) parts.push(`action mirred egress redirect dev ${redirect.to} cookie ${redirect.cookie}`);
  return parts.join(' ');
}

export const protocolOf = (prefix: Prefix): Protocol => (isIPv4(prefix) ? 'ip' : 'ipv6');

/** The words of a prefix as the source or destination: bytes 12 and 16 of IPv4 (RFC 791), 8 and 24 of IPv6 (RFC 8200). */
export function prefixWords(prefix: Prefix, side: Side): Word[] {
  const first = isIPv4(prefix) ? 3 : 0;
  const start = { ip: { src: 12, dst: 16 }, ipv6: { src: 8, dst: 24 } }[protocolOf(prefix)][side];
  const words = prefix.words.slice(first).map((word, i) => {
    const mask = maskWord(prefix.length, first + i);
    return { value: word & mask, mask, at: start + i * 4 };
  });
  const compared = words.filter(({ mask }) => mask !== 0);
  return compared.length > 0 ? compared : [ANY];
}

/** Tables are hashed by the third byte of an IPv4 address, the sixth of an IPv6 one: the last bits of a /24, of a /48. */
export const HASH = {
  ip: { src: { mask: 0x0000ff00, at: 12 }, dst: { mask: 0x0000ff00, at: 16 } },
  ipv6: { src: { mask: 0x00ff0000, at: 12 }, dst: { mask: 0x00ff0000, at: 28 } },
} as const;

/** The buckets that a prefix's addresses fall into: one where it is at least as long as the hashed bits reach, else 2 … 256. */
export function bucketsOf(prefix: Prefix): number[] {
  const byte = isIPv4(prefix) ? prefix.words[3] >>> 8 : prefix.words[1] >>> 16;
  const end = isIPv4(prefix) ? 120 : 48;
  const count = 1 << Math.min(Math.max(end - prefix.length, 0), 8);
  const first = byte & 0xff & -count;
  return Array.from({ length: count }, (_, i) => first + i);
}
