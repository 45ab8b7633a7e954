/** Names SYN floods: connections are opened at one address faster than the threshold, and not completed. */
import { formatAddress } from '../metering/address.ts';
import { TCP_ACK, TCP_FIN, TCP_SYN } from '../metering/decodeResult.ts';
import { SYN_CONTACT } from '../metering/pairTable.ts';
import { isScanned } from './shared/contacts.ts';
import { floodDefinition } from './shared/flood.ts';
import { received, type Target } from './shared/target.ts';

/** A client that completes a handshake sends an ACK for it, and at least one more for data or the end. */
const COMPLETING_PACKETS = 2;
/** So many times the threshold nothing speaks for the SYNs any more. */
const BEYOND_DOUBT = 10;
/**
 * A scan comes from one source, or from a few at once (decoys), touches many ports, and each of them once and with a few
 * retransmissions; up to half of the ports are missed, because a target is looked at closely only once it is busy.
 */
const SCANNER_SHARE = 0.8;
const MAX_SCANNERS = 16;
const SCANNED_PORTS = 8;
const PROBES_PER_PORT = 8;

export const synFlood = floodDefinition({
  id: 'synFlood',
  title: 'One address is asked for far more connections than are completed.',
  kinds: [TCP_SYN],
  packetsPerSecond: 300,
  restsOnSilence: false,
  others: 'lead to connections, or are a port scan',
  flooding(target, threshold) {
    const syns = received(target, TCP_SYN);
    if (isPortScan(target, syns) || isScanned(target, SYN_CONTACT, syns) || isFromItself(target)) return 0;
    const completing = received(target, TCP_ACK) + received(target, TCP_FIN);
    return completing < COMPLETING_PACKETS * syns || syns >= BEYOND_DOUBT * threshold ? syns : 0;
  },
});

/** A land attack, which headerAnomaly names. */
const isFromItself = ({ topSources: [first], address }: Target): boolean =>
  first !== undefined && first.share >= SCANNER_SHARE && formatAddress(...first.words) === address;

function isPortScan({ topSources: [first], distinctPorts, distinctSources }: Target, syns: number): boolean {
  const oneSource = first !== undefined && first.share >= SCANNER_SHARE;
  const sources = oneSource ? 1 : distinctSources;
  return sources <= MAX_SCANNERS && distinctPorts >= SCANNED_PORTS && syns <= distinctPorts * PROBES_PER_PORT * sources;
}
