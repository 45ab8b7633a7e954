/** Names UDP floods: one address receives more datagrams than the threshold that are no part of a conversation. */
import { UDP } from '../metering/decodeResult.ts';
import { floodDefinition } from './shared/flood.ts';
import { answeredShare, received, udpSent } from './shared/target.ts';

/** QUIC acknowledges every second to tenth packet (RFC 9000 section 13.2.2 and what stacks do); half of the least of it. */
const ANSWERED_RATIO = 1 / 20;

export const udpFlood = floodDefinition({
  id: 'udpFlood',
  title: 'One address is sent far more datagrams than it asked for.',
  kind: UDP,
  packetsPerSecond: 20_000,
  restsOnSilence: true,
  others: 'are part of conversations',
  flooding(target) {
    const packets = received(target, UDP);
    const beyondWhatItSends = packets - udpSent(target);
    const fromTheUnanswered = packets * (1 - answeredShare(target, UDP, ANSWERED_RATIO));
    return Math.min(beyondWhatItSends, fromTheUnanswered);
  },
});
