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
