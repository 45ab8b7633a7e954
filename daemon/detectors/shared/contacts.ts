/** What the pairs of addresses show of one target in a window: whether its packets are a scan, or the answers to one. */
import { type PairLine, REFUSED, STRAY_REFUSED } from '../../metering/pairTable.ts';
import type { Target } from './target.ts';

/** A scan asks many ports, from one address or from some decoys; a flood with forged sources comes from hundreds. */
const SCANNED_PORTS = 20;
const MOST_SCANNERS = 32;
/** Each port is asked once, and a few times more where nobody answers. */
const PROBES_PER_CONTACT = 8;

const isSame = (a: PairLine['initiator'], b: PairLine['initiator']): boolean =>
  a[3] === b[3] && a[2] === b[2] && a[1] === b[1] && a[0] === b[0];

/** Whether `packets` of first contacts of a sort are few sources' who ask the target for many ports. */
export function isScanned({ window, words }: Target, sighting: number, packets: number): boolean {
  const contacts = window.pairs.lines().filter((line) => line.sighting === sighting && isSame(line.responder, words));
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
      ({ sighting, initiator }) => (sighting === REFUSED || sighting === STRAY_REFUSED) && isSame(initiator, words),
    );
  return new Set(refusals.map(({ responder, port }) => `${responder.join()} ${port}`)).size >= SCANNED_PORTS;
}
