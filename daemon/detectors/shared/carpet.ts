/** What an outbound carpet is known by: a tenant's datagrams to many addresses of one prefix, hardly any of which answers. */
import { formatAddress, isGroup, isIpv4 } from '../../metering/address.ts';
import { UDP } from '../../metering/decodeResult.ts';
import { SOURCE_TARGET_BITS, SOURCE_UDP, type Window } from '../../metering/window.ts';
import { sentBy } from './target.ts';

/** QUIC acknowledges every second to tenth packet; half of the least of it, as in udpFlood. */
const ANSWERED_RATIO = 1 / 20;
/** The share of the addresses that lie in one prefix: a carpet is laid over somebody's network. */
const PREFIX_SHARE = 0.5;
const DOMINANT_SHARE = 0.8;

/** One that has more of it is flooded by itself. */
const MOST_OF_ONE = 0.25;

export interface Carpet {
  /** Addresses that are sent datagrams and do not answer, but for groups, and those that are flooded by themselves. */
  readonly targets: number;
  readonly packets: number;
  /** Whether most of the targets lie in one /16 (IPv6: /48). */
  readonly isOnePrefix: boolean;
}

interface Silent {
  readonly prefix: number;
  readonly packets: number;
}

/** The strangers' addresses of a window that receive datagrams, whoever sends them. */
export function outboundCarpet(window: Window, hashSeed: number): Carpet {
  const all = silentTargets(window, hashSeed);
  const most = sumOf(all) * MOST_OF_ONE;
  const thin = all.filter(({ packets }) => packets <= most);
  const byPrefix = new Map<number, number>();
  for (const { prefix } of thin) byPrefix.set(prefix, (byPrefix.get(prefix) ?? 0) + 1);
  const isOnePrefix = Math.max(...byPrefix.values(), 0) >= thin.length * PREFIX_SHARE;
  return { targets: thin.length, packets: sumOf(thin), isOnePrefix };
}

const sumOf = (all: readonly Silent[]): number => all.reduce((sum, { packets }) => sum + packets, 0);

function silentTargets(window: Window, hashSeed: number): Silent[] {
  const { targets } = window;
  const silent: Silent[] = [];
  for (const line of targets.used()) {
    if (targets.tenant(line) !== 0) continue;
    const packets = window.targetPackets(line, UDP);
    const words = targets.words(line);
    if (packets === 0 || isGroup(words)) continue;
    if (sentBy(window, words, hashSeed, SOURCE_UDP) >= packets * ANSWERED_RATIO) continue;
    const prefix = isIpv4(words) ? words[3] >>> 16 : (words[0] >>> 0) * 2 ** 16 + (words[1] >>> 16);
    silent.push({ prefix, packets });
  }
  return silent;
}

/** The tenant's address that sends most of so many datagrams; null: there is none. */
export function mainSender({ sources }: Window, tenant: number, packets: number): string | null {
  for (const line of sources.used())
    if (sources.tenant(line) === tenant && sources.lanes[line + SOURCE_UDP]! >= packets * DOMINANT_SHARE)
      return formatAddress(...sources.words(line));
  return null;
}

/** Whether the tenant's addresses send to so many others; a bit each stands for them, of 64. */
export function sendsToMany({ sources }: Window, tenant: number, least: number): boolean {
  let [low, high] = [0, 0];
  for (const line of sources.used()) {
    if (sources.tenant(line) !== tenant || sources.lanes[line + SOURCE_UDP] === 0) continue;
    low |= sources.lanes[line + SOURCE_TARGET_BITS]!;
    high |= sources.lanes[line + SOURCE_TARGET_BITS + 1]!;
  }
  return bitsOf(low) + bitsOf(high) >= least;
}

function bitsOf(word: number): number {
  let count = 0;
  for (let bits = word; bits !== 0; bits &= bits - 1) count += 1;
  return count;
}
