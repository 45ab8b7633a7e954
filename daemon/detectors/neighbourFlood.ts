/** Names floods of neighbour discovery (RFC 4861), which fill the tables of hosts and routers on the link (RFC 6583). */
import { NEIGHBOUR } from '../metering/decodeResult.ts';
import { floodDefinition } from './shared/flood.ts';
import { received } from './shared/target.ts';

export const neighbourFlood = floodDefinition({
  id: 'neighbourFlood',
  title: 'One address is sent more neighbour and router messages of IPv6 than any link needs.',
  kinds: [NEIGHBOUR],
  packetsPerSecond: 500,
  restsOnSilence: false,
  others: 'are none',
  flooding: (target) => received(target, NEIGHBOUR),
});
