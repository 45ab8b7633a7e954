/** CIDR blocks as words: IPv4 lies in ::ffff:0:0/96, so that one length in 0 … 128 serves both families. */
import ipaddr from 'ipaddr.js';
import { type AddressWords, formatAddress, isIpv4 } from '../metering/address.ts';

export interface Prefix {
  /** Signed 32-bit words, as in the metering tables. */
  readonly words: AddressWords;
  /** Of the IPv6 form: 198.51.100.8/29 has 125. */
  readonly length: number;
}

/** Bits before the address itself in an IPv4 prefix's words. */
const MAPPED = 96;

/** The words of an address in any usual notation; null: it is none. No zones, no octal or shortened IPv4. */
export function parseAddress(text: string): AddressWords | null {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return [0, 0, 0xffff, wordsOf(ipaddr.IPv4.parse(text))[0] ?? 0];
  if (text.includes('%') || !ipaddr.IPv6.isValid(text)) return null;
  const [w0 = 0, w1 = 0, w2 = 0, w3 = 0] = wordsOf(ipaddr.IPv6.parse(text));
  return [w0, w1, w2, w3];
}

function wordsOf(address: ipaddr.IPv4 | ipaddr.IPv6): number[] {
  const bytes = Buffer.from(address.toByteArray());
  return Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readInt32BE(i * 4));
}

/** Reads `198.51.100.8/29`, `2001:db8::/48` or a bare address; null: it is none. Host bits are left as they are. */
export function parsePrefix(text: string): Prefix | null {
  const [, address = '', bits] = /^([^/]+)(?:\/(0|[1-9]\d{0,2}))?$/.exec(text) ?? [];
  const words = parseAddress(address);
  if (words === null) return null;
  const length = (address.includes(':') ? 0 : MAPPED) + Number(bits ?? (address.includes(':') ? 128 : 32));
  return length <= 128 ? { words, length } : null;
}

export const isIPv4 = ({ words, length }: Prefix): boolean => length >= MAPPED && isIpv4(words);

/** Canonical text: `198.51.100.8/29`, `2001:db8:8::/48` (RFC 4632, RFC 5952). */
export function formatPrefix(prefix: Prefix): string {
  return `${formatAddress(...prefix.words)}/${isIPv4(prefix) ? prefix.length - MAPPED : prefix.length}`;
}

/** Ones in the first `length` bits of an address, word by word. */
export function maskWord(length: number, word: number): number {
  const ones = Math.min(Math.max(length - word * 32, 0), 32);
  return ones === 0 ? 0 : -1 << (32 - ones);
}

/** The prefix with its host bits cleared. */
export function networkOf({ words: [w0, w1, w2, w3], length }: Prefix): Prefix {
  const mask = (word: number, i: number): number => word & maskWord(length, i);
  return { words: [mask(w0, 0), mask(w1, 1), mask(w2, 2), mask(w3, 3)], length };
}

export const isInside = ({ words, length }: Prefix, address: AddressWords): boolean =>
  words.every((word, i) => ((word ^ (address[i] ?? 0)) & maskWord(length, i)) === 0);

/** Whether all of `inner` lies in the prefix, which may be `inner` itself. */
export const covers = (prefix: Prefix, inner: Prefix): boolean =>
  prefix.length <= inner.length && isInside(prefix, inner.words);
