/** What the pairs of addresses show of one target in a window: whether its packets are a scan, or the answers to one. */
import { isSameAddress } from '../../metering/address.ts';
import { REFUSED, STRAY_REFUSED } from '../../metering/pairTable.ts';
import type { Target } from './target.ts';

/** A scan asks many ports, from one address or from some decoys; a flood with forged sources comes from hundreds. */
const SCANNED_PORTS = 20;
const MOST_SCANNERS = 32;
/** Each port is asked once, and a few times more where nobody answers. */
const PROBES_PER_CONTACT = 8;

/** Whether `packets` of first contacts of a sort are few sources' who ask the target for many ports. */
export function isScanned({ window, words }: Target, sighting: number, packets: number): boolean {
  const contacts = window.pairs.linesTo(words).filter((line) => line.sighting === sighting);
  const ports = new Set(contacts.map(({ port }) => port));
  const sources = new Set(contacts.map(({ initiator }) => initiator.join()));
  return (
    ports.size >= SCANNED_PORTS && sources.size <= MOST_SCANNERS && packets <= contacts.length * PROBES_PER_CONTACT
  );
}

/** Whether the target is refused at many ports: it scans, and is answered. */
export function isRefused({ window, words }: Target): boolean {
  const refusals = window.pairs
    .lines()
    .filter(
      ({ sighting, initiator }) =>
        (sighting === REFUSED || sighting === STRAY_REFUSED) && isSameAddress(initiator, words),
    );
  return new Set(refusals.map(({ responder, port }) => `${responder.join()} ${port}`)).size >= SCANNED_PORTS;
}

/**
 * A scan comes from one source, or from a few at once (decoys), touches many ports, and each of them once and with a few
 * retransmissions; up to half of the ports are missed, because a target is looked at closely only once it is busy.
 */
const SCANNER_SHARE = 0.8;
const FEW_SOURCES = 16;
const LEAST_PORTS = 8;
const PROBES_PER_PORT = 8;

/** Whether so many packets are few to each of many ports, from a few sources, as far as the closer look shows. */
export function isOfFewPerPort(
  { topSources: [first], distinctPorts, distinctSources }: Target,
  packets: number,
): boolean {
  const oneSource = first !== undefined && first.share >= SCANNER_SHARE;
  const sources = oneSource ? 1 : distinctSources;
  return sources <= FEW_SOURCES && distinctPorts >= LEAST_PORTS && packets <= distinctPorts * PROBES_PER_PORT * sources;
}
