/** Names floods of IP protocols other than TCP, UDP and ICMP: GRE, ESP, raw IP of any number. */
import { OTHER } from '../metering/decodeResult.ts';
import { floodDefinition } from './shared/flood.ts';
import { answeredShare, received } from './shared/target.ts';

/** A tunnel carries both directions, if not as much of each. */
const ANSWERED_RATIO = 1 / 100;

export const protocolFlood = floodDefinition({
  id: 'protocolFlood',
  title: 'One address is sent far more packets of other protocols than belong to a tunnel.',
  kinds: [OTHER],
  packetsPerSecond: 10_000,
  restsOnSilence: true,
  others: 'come from those whom it answers',
  flooding: (target) => received(target, OTHER) * (1 - answeredShare(target, null, ANSWERED_RATIO)),
});
