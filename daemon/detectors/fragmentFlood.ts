/** Names floods of IP fragments: one address receives more of them than the threshold, and speaks to hardly anybody who sends them. */
import { FRAGMENT } from '../metering/decodeResult.ts';
import { floodDefinition } from './shared/flood.ts';
import { isReflected } from './shared/reflection.ts';
import { answeredShare, received } from './shared/target.ts';

/** Tunnels whose packets are too long for the path are fragments for ever, and answered. */
const ANSWERED_RATIO = 1 / 50;

export const fragmentFlood = floodDefinition({
  id: 'fragmentFlood',
  title: 'One address is sent far more fragments of packets than belong to a conversation.',
  kinds: [FRAGMENT],
  packetsPerSecond: 1000,
  restsOnSilence: true,
  others: 'come from those whom it answers, or are parts of reflected answers',
  flooding: (target) =>
    isReflected(target) ? 0 : received(target, FRAGMENT) * (1 - answeredShare(target, null, ANSWERED_RATIO)),
});
