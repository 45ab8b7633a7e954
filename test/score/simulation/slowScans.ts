/** Scans of one probe a minute. */
import { tenantPrefixes } from '../../bench/workload/addresses.ts';
import { accept, type Plan, refuse, unreachable } from './attacks.ts';
import { HOUR, MONDAY, SECOND } from './calendar.ts';
import {
  type Answer,
  idOf,
  inbound,
  one,
  outbound,
  pingSweep,
  portScan,
  type Sides,
  silent,
  sweep,
  udpScan,
} from './plans.ts';
import type { Scene } from './scene.ts';

const TENANT = 1;

const make = (kind: string, way: Sides, how: string, plan: Plan): Scene => ({
  name: `slow ${kind} ${way.inbound ? 'in' : 'out'}, ${how}`,
  kind: 'attack',
  tenants: [{ id: idOf(TENANT), addresses: tenantPrefixes(TENANT) }],
  startMs: MONDAY,
  endMs: MONDAY + 4 * HOUR,
  attacks: [{ plan, atMs: MONDAY + 7 * SECOND }],
});

/** By one probe a minute, over hours, with nothing else on the line. */
export function slowScans(): Scene[] {
  const answers: readonly (readonly [string, Answer])[] = [
    ['refused', refuse],
    ['unanswered', silent],
    ['some open', one(8, accept, refuse)],
  ];
  const ways = [inbound(TENANT), outbound(TENANT)];
  return ways.flatMap((way) => [
    ...answers.map(([how, answer]) => make('port scan', way, how, portScan(way, 1 / 60, 200, answer))),
    ...answers.map(([how, answer]) => make('sweep', way, how, sweep(way, 22, 1 / 60, 200, answer))),
    make('ping sweep', way, 'unanswered', pingSweep(way, 1 / 60, 200)),
    make('UDP scan', way, 'refused', udpScan(way, 1 / 60, 200, unreachable)),
  ]);
}
