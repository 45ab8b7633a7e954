/** Names floods of TCP segments that belong to no connection: ACK, RST, FIN, flags that no stack sends, reflected SYN-ACKs, backscatter. */
import { hashAddress } from '../metering/address.ts';
import { FRAGMENT, TCP_ACK, TCP_FIN, TCP_ODD, TCP_RST, TCP_SYN, TCP_SYN_ACK } from '../metering/decodeResult.ts';
import { OUTBOUND, SOURCE_OTHER, SOURCE_SYN } from '../metering/window.ts';
import { STRAY_REFUSED } from '../metering/pairTable.ts';
import { isOfFewPerPort, isScanned } from './shared/contacts.ts';
import { floodDefinition } from './shared/flood.ts';
import { answeredShare, received, sent, type Target } from './shared/target.ts';

/** Receivers with GRO acknowledge a super-packet of 44 segments with one, some fewer. */
const ANSWERED_RATIO = 1 / 100;
/** One source of SYN-ACKs is under attack itself, by packets with the target's address forged; many are reflectors. */
const BACKSCATTER_SHARE = 0.8;

/**
 * Of an ordinary connection a hundred segments are ACKs for each that opens, ends or resets it. So these count so many times;
 * the threshold is that of ACKs.
 */
const CONTROL_WEIGHT = 20;

/** Packets of a download are longer on the mean; so many sources are nobody's. */
const SMALL_BYTES = 300;
const MANY_SOURCES = 1000;

/** A point that is shown one direction alone sees no acknowledgements, nor does one in whose first seconds nobody knows that. */
const mayBeAlone = ({ window, line, distinctSources }: Target): boolean =>
  window.onlySees === null &&
  (window.targets.bytes(line) < window.targets.packets(line) * SMALL_BYTES || distinctSources >= MANY_SOURCES);

type Sort = 'ack' | 'refusedAck' | 'rst' | 'fin' | 'synAck' | 'odd';

/** RSTs that the target sends, as hosts answer what belongs to no connection. */
function resetsOf({ window, tenant, topSources, hashSeed }: Target): number {
  if (tenant > 0) return window.tenantPackets(tenant, OUTBOUND, TCP_RST);
  return topSources.reduce((sum, { words }) => {
    const line = window.targets.find(hashAddress(hashSeed, ...words), ...words);
    return line < 0 ? sum : sum + window.targetPackets(line, TCP_RST);
  }, 0);
}

/** That its tenant sends, or for a stranger all of them. */
const fragmentsOf = ({ window, tenant }: Target): number => window.tenantPackets(tenant, OUTBOUND, FRAGMENT);

/** How many of the packets of each sort belong to no connection, as far as the window shows. */
function unasked(target: Target): Readonly<Record<Sort, number>> {
  const spoken = Math.max(sent(target, SOURCE_OTHER) - resetsOf(target), 0);
  // A SYN at the end of a window is answered in the next one; and a SYN may come in fragments.
  const asked = sent(target, SOURCE_SYN) + target.sentBefore(TCP_SYN) + fragmentsOf(target);
  const beyond = (kind: number, own: number): number => Math.max(received(target, kind) - own, 0);
  const unscanned = (packets: number): number => (isOfFewPerPort(target, packets) ? 0 : packets);
  const ack = received(target, TCP_ACK);
  const unanswered = ack * (1 - answeredShare(target, TCP_ACK, ANSWERED_RATIO));
  return {
    ack: mayBeAlone(target) ? Math.min(Math.max(ack - spoken, 0), unanswered) : 0,
    // What is answered by RSTs belongs to no connection, for sure.
    refusedAck: isScanned(target, STRAY_REFUSED, ack) ? 0 : Math.min(ack, resetsOf(target)),
    // A server that is stopped ends its connections, and some clients reset them then.
    rst: beyond(TCP_RST, sent(target, SOURCE_OTHER) + target.sentBefore(TCP_FIN) + asked),
    fin: unscanned(beyond(TCP_FIN, spoken)),
    synAck: beyond(TCP_SYN_ACK, asked),
    odd: unscanned(received(target, TCP_ODD)),
  };
}

const weightOf = (sort: string): number => (sort === 'ack' ? 1 : CONTROL_WEIGHT);

function main(target: Target): [sort: string, weight: number] {
  const all = Object.entries(unasked(target)).map(([sort, packets]) => [sort, packets * weightOf(sort)] as const);
  const [sort, weight] = all.reduce((most, each) => (each[1] > most[1] ? each : most));
  return [sort, weight];
}

export const tcpFlood = floodDefinition({
  id: 'tcpFlood',
  title: 'One address is sent far more TCP segments that belong to no connection than mistakes explain.',
  kinds: [TCP_ACK, TCP_RST, TCP_FIN, TCP_SYN_ACK, TCP_ODD],
  packetsPerSecond: 20_000,
  restsOnSilence: true,
  heavyKinds: { kinds: new Set([TCP_RST, TCP_FIN, TCP_SYN_ACK, TCP_ODD]), weight: CONTROL_WEIGHT },
  looksBack: [TCP_SYN, TCP_FIN],
  others: 'belong to connections',
  flooding: (target) => main(target)[1],
  weight: (target) => weightOf(main(target)[0]),
  type(target) {
    const [sort] = main(target);
    const [first] = target.topSources;
    const isBackscatter = sort === 'synAck' && first !== undefined && first.share >= BACKSCATTER_SHARE;
    if (isBackscatter) return 'backscatter';
    return sort === 'refusedAck' ? 'ack' : sort;
  },
});
