/** Limits as plain text for a terminal: `weir limits`, and a part of `weir status`. */
import { formatQuantity, formatRate, formatTime } from '../incidents/format.ts';
import type { LimitStatus, LimitTraffic, QueueTraffic } from './snapshot.ts';
import { ago } from './span.ts';
import { table } from './textTable.ts';

const UNKNOWN = '?';

/** Without a newline at the end. */
export function renderLimits(limits: readonly LimitStatus[], now: string): string {
  if (limits.length === 0) return 'Nobody is limited';
  return [...limits.map((limit) => limitLine(limit, now)), ...trafficLines(limits)].join('\n');
}

export function limitLine(
  { tenant, direction, rateBps, state, reason, since, until }: LimitStatus,
  now: string,
): string {
  const words = {
    pending: 'being set',
    inForce: 'in force',
    observed: 'only observed',
    exempt: 'exempt',
    failed: 'FAILED',
  }[state];
  const end = until === null ? 'until released' : `until ${formatTime(until)}`;
  const what = `${tenant} ${direction ?? 'both directions'} ${formatRate(rateBps, 'bit/s')}`;
  return `${what}, ${words}: ${reason}; since ${ago(since, now)}, ${end}`;
}

/** What each limit has passed and dropped, a line a direction. */
function trafficLines(limits: readonly LimitStatus[]): string[] {
  const rows = limits.flatMap(({ tenant, outbound, inbound, offeredBps, callsUp }) =>
    outbound === null || inbound === null
      ? []
      : [
          [tenant, 'out', offeredBps, callsUp, outbound] as const,
          [tenant, 'in', offeredBps, callsUp, inbound] as const,
        ],
  );
  if (rows.length === 0) return [];
  const titles = ['tenant', 'way', 'offered now', 'calls', 'voice passed', 'dropped', 'other passed', 'dropped'];
  return [
    '',
    ...table(
      2,
      titles,
      rows.map(([tenant, way, offeredBps, callsUp, traffic]) => [
        tenant,
        way,
        offeredBps === null ? UNKNOWN : formatRate(offeredBps, 'bit/s'),
        callsUp === null ? UNKNOWN : String(callsUp),
        ...leafCells(traffic),
      ]),
    ),
  ];
}

const leafCells = ({ voice, bulk }: LimitTraffic): string[] => [...queueCells(voice), ...queueCells(bulk)];

function queueCells(queue: QueueTraffic | null): [string, string] {
  return queue === null ? [UNKNOWN, UNKNOWN] : [formatQuantity(queue.bytes, 'B'), formatQuantity(queue.drops, '')];
}
