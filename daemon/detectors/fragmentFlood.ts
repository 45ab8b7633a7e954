/** Names floods of IP fragments: one address receives more of them than the threshold, and speaks to hardly anybody who sends them. */
import { BYTES_ICMP, INBOUND, ROW, rowBytes } from '../metering/window.ts';
import { SIGHTINGS } from '../metering/pairTable.ts';
import { FRAGMENT } from '../metering/decodeResult.ts';
import { floodDefinition } from './shared/flood.ts';
import { isReflected } from './shared/reflection.ts';
import { answeredShare, received, type Target } from './shared/target.ts';

/** Tunnels whose packets are too long for the path are fragments for ever, and answered. */
const ANSWERED_RATIO = 1 / 50;

/** Fragments that no stack makes are named by headerAnomaly: a tenth of them is enough. */
const EVASION_SHARE = 0.1;
/** But so many in a window are a flood, whatever they are. */
const FLOOD_PACKETS = 1250;
const EVASIONS: ReadonlySet<number> = new Set(
  (['tinyFragment', 'overlappingFragment', 'badFragment'] as const).map((name) => SIGHTINGS.indexOf(name)),
);

/** Pings are answered too; most of what comes in is ICMP then. */
function isPing({ window, tenant }: Target): boolean {
  const [rows, row] = tenant > 0 ? [window.tenants, (tenant * 2 + INBOUND) * ROW] : [window.totals, 0];
  return (rows[row + BYTES_ICMP] ?? 0) >= rowBytes(rows, row) / 2;
}

function isEvasion(target: Target): boolean {
  const made = target.window.pairs
    .linesTo(target.words)
    .filter(({ sighting }) => EVASIONS.has(sighting))
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
  flooding(target) {
    const fragments = received(target, FRAGMENT);
    if (isReflected(target)) return 0;
    if (isEvasion(target)) return fragments < FLOOD_PACKETS ? 0 : fragments;
    return fragments * (isPing(target) ? 1 : 1 - answeredShare(target, null, ANSWERED_RATIO));
  },
});
