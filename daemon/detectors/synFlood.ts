/** Names SYN floods: connections are opened at one address faster than the threshold, and not completed. */
import { formatAddress } from '../metering/address.ts';
import { TCP_ACK, TCP_FIN, TCP_SYN } from '../metering/decodeResult.ts';
import { SYN_CONTACT } from '../metering/pairTable.ts';
import { isOfFewPerPort, isScanned } from './shared/contacts.ts';
import { rateSeconds } from './shared/evidence.ts';
import { floodDefinition } from './shared/flood.ts';
import { burstSeconds, received, type Target } from './shared/target.ts';

/** A client that completes a handshake sends an ACK for it, and at least one more for data or the end. */
const COMPLETING_PACKETS = 2;
/** So many times the threshold, over a window, nothing speaks for the SYNs any more. */
const BEYOND_DOUBT = 10;
/** Of its packets, to be from itself. */
const OWN_SHARE = 0.8;

export const synFlood = floodDefinition({
  id: 'synFlood',
  title: 'One address is asked for far more connections than are completed.',
  kinds: [TCP_SYN],
  packetsPerSecond: 300,
  restsOnSilence: false,
  others: 'lead to connections, or are a port scan',
  flooding(target, threshold) {
    const syns = received(target, TCP_SYN);
    if (isOfFewPerPort(target, syns) || isScanned(target, SYN_CONTACT, syns) || isFromItself(target)) return 0;
    return completing(target) < COMPLETING_PACKETS * syns || isBeyondDoubt(target, syns, threshold) ? syns : 0;
  },
  settles: {
    isOpen: (target, threshold) => !isBeyondDoubt(target, received(target, TCP_SYN), threshold),
    packets: completing,
    ratio: COMPLETING_PACKETS,
  },
});

function completing(target: Target): number {
  return received(target, TCP_ACK) + received(target, TCP_FIN);
}

/** `threshold`: of the time that the burst took. Programs open some hundred connections at once, and then no more. */
const isBeyondDoubt = (target: Target, syns: number, threshold: number): boolean =>
  syns * burstSeconds(target) >= BEYOND_DOUBT * threshold * rateSeconds(target.window);

/** A land attack, which headerAnomaly names. */
const isFromItself = ({ topSources: [first], address }: Target): boolean =>
  first !== undefined && first.share >= OWN_SHARE && formatAddress(...first.words) === address;
