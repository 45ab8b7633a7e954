/** Names floods of IPv6 packets with extension headers, which routers and firewalls treat slowly (RFC 9098). */
import { IPV6_EXTENSION } from '../metering/decodeResult.ts';
import { floodDefinition } from './shared/flood.ts';
import { answeredShare, received } from './shared/target.ts';

/** IPsec with AH has an extension header in each packet, and is answered. */
const ANSWERED_RATIO = 1 / 50;

export const extensionHeaderFlood = floodDefinition({
  id: 'extensionHeaderFlood',
  title: 'One address is sent far more IPv6 packets with extension headers than belong to a conversation.',
  kinds: [IPV6_EXTENSION],
  packetsPerSecond: 1000,
  restsOnSilence: true,
  others: 'come from those whom it answers',
  flooding: (target) => received(target, IPV6_EXTENSION) * (1 - answeredShare(target, null, ANSWERED_RATIO)),
});
