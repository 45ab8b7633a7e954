/** Names ICMP floods: one address receives more ICMP packets than the threshold, and not as the answers to its own. */
import { ICMP } from '../metering/decodeResult.ts';
import { isRefused } from './shared/contacts.ts';
import { floodDefinition } from './shared/flood.ts';
import { isReflected } from './shared/reflection.ts';
import { OUTBOUND } from '../metering/window.ts';
import { answeredShare, received, type Target } from './shared/target.ts';

/** As many packets come back as go: pings and their answers. */
const EXCHANGE_RATIO = 1 / 2;
const EXCHANGE_SHARE = 1 / 2;
/** Who pings is hardly pinged meanwhile: else its own answers would stand for what it asked. */
const REQUESTED_SHARE = 0.1;
/** Type << 8 | code, where exporters and the meter have a port: echo, time stamp, information and mask replies and requests of RFC 792, RFC 950 and RFC 4443. */
const ECHO_REPLIES: readonly number[] = [0, 14 << 8, 16 << 8, 18 << 8, 129 << 8];
const ECHO_REQUESTS: readonly number[] = [8 << 8, 13 << 8, 15 << 8, 17 << 8, 128 << 8];

/** Errors come as fast as what causes them, and from a router for many: of them it takes more. Types 3 and 1, with their codes. */
const UNREACHABLE: readonly number[] = Array.from({ length: 16 }, (_, code) => [
  (3 << 8) | code,
  (1 << 8) | code,
]).flat();
const MOST = 0.5;
const ERROR_WEIGHT = 0.2;

export const icmpFlood = floodDefinition({
  id: 'icmpFlood',
  title: 'One address is sent more ICMP packets than any diagnosis needs.',
  kinds: [ICMP],
  packetsPerSecond: 1000,
  restsOnSilence: true,
  looksBack: [ICMP],
  others:
    'are part of an exchange that its target began, or errors: of reflected answers, or of what its target asked many for',
  flooding: (target) =>
    isAnswered(target) || isReflected(target) || isRefused(target)
      ? 0
      : received(target, ICMP) * (shareOf(target, UNREACHABLE) >= MOST ? ERROR_WEIGHT : 1),
});

/** Whether the target is the one that pings: of the two ends of an exchange only the other one is flooded. */
function isAnswered(target: Target): boolean {
  const replies = shareOf(target, ECHO_REPLIES);
  const requests = shareOf(target, ECHO_REQUESTS);
  if (hasAsked(target) && replies * REQUESTED_SHARE > requests) return true;
  if (answeredShare(target, ICMP, EXCHANGE_RATIO) < EXCHANGE_SHARE) return false;
  // Where the types are not known, no tenant is blamed for its answers.
  return replies === requests ? target.tenant === 0 : replies > requests;
}

/** Of many each has a grain of the answers, and what was asked at the end of a window is answered in the next one. */
function hasAsked(target: Target): boolean {
  const { window, tenant } = target;
  if (tenant === 0) return false;
  const sent = window.tenantPackets(tenant, OUTBOUND, ICMP) + target.sentBefore(ICMP);
  return sent >= received(target, ICMP) * EXCHANGE_RATIO;
}

const shareOf = ({ topPorts }: Target, types: readonly number[]): number =>
  topPorts.filter(({ port }) => types.includes(port)).reduce((sum, { share }) => sum + share, 0);
