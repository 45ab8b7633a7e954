/** Names floods of IP fragments: one address receives more of them than the threshold, and speaks to hardly anybody who sends them. */
import { formatAddress } from '../metering/address.ts';
import { SIGHTINGS } from '../metering/pairTable.ts';
import { FRAGMENT } from '../metering/decodeResult.ts';
import { floodDefinition } from './shared/flood.ts';
import { isReflected } from './shared/reflection.ts';
import { answeredShare, received, type Target } from './shared/target.ts';

/** Tunnels whose packets are too long for the path are fragments for ever, and answered. */
const ANSWERED_RATIO = 1 / 50;

/** Fragments that no stack makes are named by headerAnomaly: a tenth of them is enough. */
const EVASION_SHARE = 0.1;
const EVASIONS: ReadonlySet<number> = new Set(
  (['tinyFragment', 'overlappingFragment', 'badFragment'] as const).map((name) => SIGHTINGS.indexOf(name)),
);

function isEvasion(target: Target): boolean {
  const made = target.window.pairs
    .lines()
    .filter(({ sighting, responder }) => EVASIONS.has(sighting) && formatAddress(...responder) === target.address)
    .reduce((sum, { packets }) => sum + packets, 0);
  return made >= received(target, FRAGMENT) * EVASION_SHARE;
}

export const fragmentFlood = floodDefinition({
  id: 'fragmentFlood',
  title: 'One address is sent far more fragments of packets than belong to a conversation.',
  kinds: [FRAGMENT],
  packetsPerSecond: 1000,
  restsOnSilence: true,
  others: 'come from those whom it answers, or are parts of reflected answers',
  flooding: (target) =>
    isReflected(target) || isEvasion(target)
      ? 0
      : received(target, FRAGMENT) * (1 - answeredShare(target, null, ANSWERED_RATIO)),
});
