/** Names UDP floods: one address receives more datagrams than the threshold that are no part of a conversation. */
import { UDP } from '../metering/decodeResult.ts';
import { floodDefinition } from './shared/flood.ts';
import { SOURCE_UDP } from '../metering/window.ts';
import { isReflected } from './shared/reflection.ts';
import { answeredShare, received, sent } from './shared/target.ts';

/** QUIC acknowledges every second to tenth packet (RFC 9000 section 13.2.2 and what stacks do); half of the least of it. */
const ANSWERED_RATIO = 1 / 20;

export const udpFlood = floodDefinition({
  id: 'udpFlood',
  title: 'One address is sent far more datagrams than it asked for.',
  kinds: [UDP],
  packetsPerSecond: 20_000,
  restsOnSilence: true,
  others: 'are part of conversations',
  flooding(target) {
    if (isReflected(target)) return 0; // which has a name of its own
    const packets = received(target, UDP);
    const beyondWhatItSends = packets - sent(target, SOURCE_UDP);
    const fromTheUnanswered = packets * (1 - answeredShare(target, UDP, ANSWERED_RATIO));
    return Math.min(beyondWhatItSends, fromTheUnanswered);
  },
});
