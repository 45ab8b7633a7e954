/** Names ICMP floods: one address receives more ICMP packets than the threshold, and not as the answers to its own. */
import { ICMP } from '../metering/decodeResult.ts';
import { floodDefinition } from './shared/flood.ts';
import { isReflected } from './shared/reflection.ts';
import { answeredShare, received, type Target } from './shared/target.ts';

/** As many packets come back as go: pings and their answers. */
const EXCHANGE_RATIO = 1 / 2;
const EXCHANGE_SHARE = 1 / 2;
/** Type << 8 | code, where exporters and the meter have a port: echo reply and request of RFC 792 and RFC 4443. */
const ECHO_REPLIES: readonly number[] = [0, 129 << 8];
const ECHO_REQUESTS: readonly number[] = [8 << 8, 128 << 8];
/** Protocol unreachable (RFC 792): a scan of IP protocols brings one for each of the 256, and as many for a second try. */
const PROTOCOL_ERRORS: readonly number[] = [(3 << 8) | 2];
const PROTOCOL_ERRORS_SHARE = 0.8;
const MAX_PROTOCOL_ERRORS = 512;

export const icmpFlood = floodDefinition({
  id: 'icmpFlood',
  title: 'One address is sent more ICMP packets than any diagnosis needs.',
  kinds: [ICMP],
  packetsPerSecond: 1000,
  restsOnSilence: true,
  others: 'are part of an exchange that its target began, or errors beside reflected answers',
  flooding: (target) => (isAnswered(target) || isReflected(target) || answersScan(target) ? 0 : received(target, ICMP)),
});

const answersScan = (target: Target): boolean =>
  received(target, ICMP) <= MAX_PROTOCOL_ERRORS && shareOf(target, PROTOCOL_ERRORS) >= PROTOCOL_ERRORS_SHARE;

/** Whether the target is the one that pings: of the two ends of an exchange only the other one is flooded. */
function isAnswered(target: Target): boolean {
  if (answeredShare(target, ICMP, EXCHANGE_RATIO) < EXCHANGE_SHARE) return false;
  const replies = shareOf(target, ECHO_REPLIES);
  const requests = shareOf(target, ECHO_REQUESTS);
  // Where the types are not known, no tenant is blamed for its answers.
  return replies === requests ? target.tenant === 0 : replies > requests;
}

const shareOf = ({ topPorts }: Target, types: readonly number[]): number =>
  topPorts.filter(({ port }) => types.includes(port)).reduce((sum, { share }) => sum + share, 0);
