/** Addresses as four 32-bit words: IPv6 as it stands, IPv4 as ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2), so that both go one way. */

export type AddressWords = readonly [number, number, number, number];

// The last word differs most often.
export const isSameAddress = (a: AddressWords, b: AddressWords): boolean =>
  a[3] === b[3] && a[2] === b[2] && a[1] === b[1] && a[0] === b[0];

export const isIpv4 = ([w0, w1, w2]: AddressWords): boolean => w0 === 0 && w1 === 0 && w2 === 0xffff;

/** Multicast (RFC 5771, RFC 4291 section 2.7), or the limited broadcast of IPv4 (RFC 919). */
export function isGroup(address: AddressWords): boolean {
  if (!isIpv4(address)) return address[0] >>> 24 === 0xff;
  return address[3] >>> 28 === 0xe || address[3] === -1;
}

/** Text in the canonical form (RFC 5952 for IPv6). */
export function formatAddress(w0: number, w1: number, w2: number, w3: number): string {
  if (w0 === 0 && w1 === 0 && w2 === 0xffff) {
    return `${w3 >>> 24}.${(w3 >>> 16) & 255}.${(w3 >>> 8) & 255}.${w3 & 255}`;
  }
  const groups = [w0, w1, w2, w3].flatMap((word) => [word >>> 16, word & 0xffff]);
  const { start, length } = longestZeroRun(groups);
  const hex = groups.map((group) => group.toString(16));
  if (length < 2) return hex.join(':');
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let length = 0;
  groups.forEach((group, i) => {
    length = group === 0 ? length + 1 : 0;
    if (length > best.length) best = { start: i - length + 1, length };
  });
  return best;
}

/**
 * A hash of an address, well mixed in all 32 bits (the finaliser of MurmurHash3, Appleby 2011). Windows can be merged
 * only if they were metered with one seed; a seed that strangers do not know keeps them from choosing collisions.
 */
export function hashAddress(seed: number, w0: number, w1: number, w2: number, w3: number): number {
  let hash = w3 ^ seed;
  if (w2 !== 0xffff || w1 !== 0 || w0 !== 0) {
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) ^ w2;
    hash = Math.imul(hash ^ (hash >>> 13), 0x297a2d39) ^ w1;
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) ^ w0;
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

/** A hash of a port, for linear counting: ports in a row must fall on each other as often as random ones do. */
export function hashPort(seed: number, port: number): number {
  const hash = Math.imul(port ^ seed, 0x9e3779b1);
  return Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
}
