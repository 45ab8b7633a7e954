/** Sightings of pairs of addresses, put into a window as the meter would. */
import assert from 'node:assert/strict';
import type { DetectorContext } from '../../daemon/detectors/detector.ts';
import { hashAddress } from '../../daemon/metering/address.ts';
import { pairHash, PairKey, type Sighting, SIGHTINGS } from '../../daemon/metering/pairTable.ts';
import type { Window } from '../../daemon/metering/window.ts';
import { parseAddress } from '../../daemon/tenants/prefix.ts';

export interface SightingSpec {
  readonly sighting: Sighting;
  readonly initiator: string;
  readonly responder: string;
  readonly port?: number;
  /** The initiator's; 40000 by default. */
  readonly otherPort?: number;
  /** Of an outcome: what the contact was. */
  readonly of?: Sighting;
  readonly packets?: number;
  /** Of one packet; 60 by default. */
  readonly bytes?: number;
  readonly ttl?: number;
  readonly mac?: number;
  readonly isOutgoing?: boolean;
}

export function addSightings(window: Window, context: DetectorContext, specs: readonly SightingSpec[]): void {
  for (const spec of specs) {
    const { packets = 1, bytes = 60, mac = 0 } = spec;
    const [initiator, responder] = [spec.initiator, spec.responder].map((text) => {
      const words = parseAddress(text);
      assert(words !== null, `${text} is an address`);
      return words;
    });
    assert(initiator && responder);
    const key = new PairKey();
    key.words.set([...initiator, ...responder]);
    key.sighting = SIGHTINGS.indexOf(spec.sighting);
    key.of = spec.of === undefined ? 0 : SIGHTINGS.indexOf(spec.of);
    key.port = spec.port ?? -1;
    key.otherPort = spec.otherPort ?? 40_000;
    key.ttl = spec.ttl ?? 64;
    key.isOutgoing = spec.isOutgoing ?? false;
    key.initiatorTenant = context.directory.lookup(...initiator);
    key.responderTenant = context.directory.lookup(...responder);
    key.macLow = mac | 0;
    key.macHigh = Math.floor(mac / 2 ** 32);
    const hash = pairHash(hashAddress(context.hashSeed, ...initiator), hashAddress(context.hashSeed, ...responder));
    window.pairs.add(hash, key, packets, packets * bytes);
  }
}
