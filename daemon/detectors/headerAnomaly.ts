/** Names headers that no stack sends: contradictory flags, source routing, fragments made to evade, impossible lengths and orders. */
import { z } from 'zod';
import { count } from '../config/units.ts';
import { hashAddress } from '../metering/address.ts';
import { type Anomaly, ANOMALIES, FRAGMENT, TCP_ODD } from '../metering/decodeResult.ts';
import { FIRST_ANOMALY, type PairLine, SIGHTINGS } from '../metering/pairTable.ts';
import type { Window } from '../metering/window.ts';
import type { DetectorContext, DetectorDefinition, Signature } from './detector.ts';
import { trafficOptions } from './shared/options.ts';
import { type PacketsByType, PairDetector } from './shared/pairDetector.ts';

const signature: Signature = {
  id: 'headerAnomaly',
  detector: 'headerAnomaly',
  clause: 'network.spoofing',
  title: 'Packets have headers that no network stack sends by itself.',
  unit: 'packets',
  // The minute is the patience.
  entry: { windows: 1, of: 1, atOnce: 1 },
  leaveBelow: 0.3,
};

interface Weight {
  /** What broken devices, old stacks and diagnosis send now and then counts less. */
  readonly weight: number;
  /** That it was made on purpose. */
  readonly confidence: number;
}
const CERTAIN: Weight = { weight: 1, confidence: 0.9 };
const LIKELY: Weight = { weight: 0.5, confidence: 0.7 };
const POSSIBLE: Weight = { weight: 0.1, confidence: 0.5 };

const WEIGHTS: Readonly<Record<Anomaly, Weight>> = {
  land: CERTAIN,
  tcpFlags: { weight: 0.5, confidence: 0.9 },
  sourceRoute: CERTAIN,
  tinyFragment: CERTAIN,
  overlappingFragment: CERTAIN,
  badFragment: CERTAIN,
  routingHeader: CERTAIN,
  extensionOrder: CERTAIN,
  routerLifetimeZero: LIKELY,
  recordRoute: LIKELY,
  ipOption: LIKELY,
  portZero: POSSIBLE,
  reservedBits: POSSIBLE,
  badLength: POSSIBLE,
  expiringSegment: LIKELY,
  ttlZero: POSSIBLE,
  tcpOption: CERTAIN,
};

/** So many packets of a kind at one address in a window are a flood, and named as that. */
const FRAGMENTS = { kind: FRAGMENT, packets: 1250 };
const FLOODS: Partial<Record<Anomaly, { readonly kind: number; readonly packets: number }>> = {
  tcpFlags: { kind: TCP_ODD, packets: 200 },
  tinyFragment: FRAGMENTS,
  overlappingFragment: FRAGMENTS,
  badFragment: FRAGMENTS,
};
/** Odd flags to another port each time are a scan; who looks for the make of a host by them asks few ports again and again. */
const SCANNED_PORTS = 6;
/** So many packets to an address in a window, and this share of all, are not made one by one. */
const CUSTOM_PACKETS = 32;
const CUSTOM_SHARE = 0.5;
/** No anomaly's name: first contacts by odd flags. */
const ODD_CONTACT = 'oddContact';
const ODD_CONTACTS: ReadonlySet<number> = new Set(
  (['fin', 'null', 'xmas', 'odd'] as const).map((name) => SIGHTINGS.indexOf(name)),
);

const config = z
  .strictObject({
    ...trafficOptions('reports'),
    packets: count(1)
      .default(1)
      .describe(
        'packets in a minute whose headers are impossible, of one address or to it; of what may be a mistake, up to ten times as many',
      ),
  })
  .prefault({});

export const headerAnomaly: DetectorDefinition<z.output<typeof config>> = {
  id: signature.id,
  observes: ['packets'],
  config,
  thresholds: [{ signature, option: 'packets', least: 1 }],
  create: ({ packets }, context) =>
    new PairDetector(
      {
        signature,
        threshold: packets,
        typeOf: (line, window) => typeOf(line, window, context),
        value,
        confidence: (type) => (isAnomaly(type) ? WEIGHTS[type].confidence : null),
      },
      context,
    ),
};

const isAnomaly = (type: string): type is Anomaly => Object.hasOwn(WEIGHTS, type);

function typeOf(line: PairLine, window: Window, context: DetectorContext): string | null {
  if (ODD_CONTACTS.has(line.sighting)) return ODD_CONTACT;
  const type = ANOMALIES[line.sighting - FIRST_ANOMALY];
  if (type === undefined) return null;
  if (isFlood(type, line, window, context) || (type === 'expiringSegment' && isCustom(line, window, context)))
    return null;
  return type;
}

/** Providers write a TTL of 1 into all that they send, so that nobody shares it (against tethering): no trick, but their custom. */
function isCustom({ responder, packets }: PairLine, { targets }: Window, { hashSeed }: DetectorContext): boolean {
  const line = targets.find(hashAddress(hashSeed, ...responder), ...responder);
  return line >= 0 && packets >= CUSTOM_PACKETS && packets >= targets.packets(line) * CUSTOM_SHARE;
}

function isFlood(type: Anomaly, { responder }: PairLine, window: Window, { hashSeed }: DetectorContext): boolean {
  const flood = FLOODS[type];
  if (flood === undefined) return false;
  const line = window.targets.find(hashAddress(hashSeed, ...responder), ...responder);
  return line >= 0 && window.targetPackets(line, flood.kind) >= flood.packets;
}

function value(packets: PacketsByType): number {
  let sum = 0;
  for (const [type, seen] of packets) {
    if (isAnomaly(type) && type !== 'tcpFlags') sum += seen * WEIGHTS[type].weight;
  }
  const contacts = packets.get(ODD_CONTACT) ?? 0;
  const again = (packets.get('tcpFlags') ?? 0) - contacts;
  return contacts >= SCANNED_PORTS ? sum : sum + Math.max(again, 0) * WEIGHTS.tcpFlags.weight;
}
