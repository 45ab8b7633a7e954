/** A window in words: rows by column name, lines by address; what is zero is left out. */
import { formatAddress } from '../../daemon/metering/address.ts';
import type { CounterTable } from '../../daemon/metering/counterTable.ts';
import { DECODE_REASONS, PACKET_KINDS } from '../../daemon/metering/decodeResult.ts';
import { estimateDistinct } from '../../daemon/metering/distinctSketch.ts';
import {
  ROW,
  SOURCE_ANSWERED,
  SOURCE_PORT_BITS,
  SOURCE_REFUSED,
  SOURCE_SYN,
  SOURCE_TARGET_BITS,
  SOURCE_UDP,
  type Window,
} from '../../daemon/metering/window.ts';

export type Row = Record<string, number>;

const COLUMNS = [...PACKET_KINDS, 'tcp bytes', 'udp bytes', 'icmp bytes', 'other bytes', 'arp', 'others'];

const rowOf = (names: readonly string[], values: Iterable<number>): Row =>
  Object.fromEntries([...values].map((value, i) => [names[i] ?? String(i), value] as const).filter(([, n]) => n !== 0));

export const totalsOf = ({ totals }: Window): Row => rowOf(COLUMNS, totals);
export const malformedOf = ({ malformed }: Window): Row => rowOf(DECODE_REASONS, malformed);

/** By tenant number and direction: `2 inbound`. */
export function tenantsOf({ tenants, shape }: Window): Map<string, Row> {
  const rows = Array.from({ length: (shape.tenants + 1) * 2 }, (_, i) => {
    const name = `${i >> 1} ${i % 2 === 0 ? 'outbound' : 'inbound'}`;
    return [name, rowOf(COLUMNS, tenants.subarray(i * ROW, (i + 1) * ROW))] as const;
  });
  return new Map(rows.filter(([, row]) => Object.keys(row).length > 0));
}

function addressOf(table: CounterTable, line: number): string {
  const [w0 = 0, w1 = 0, w2 = 0, w3 = 0] = table.lanes.subarray(line, line + 4);
  return formatAddress(w0, w1, w2, w3);
}

const linesOf = <V>(table: CounterTable, read: (line: number) => V): Map<string, V> =>
  new Map([...table.used()].map((line) => [addressOf(table, line), read(line)]));

const bitCount = (word: number): number => (word >>> 0).toString(2).replaceAll('0', '').length;
const lane = ({ sources }: Window, line: number, at: number): number => sources.lanes[line + at] ?? 0;

export const sourcesOf = (window: Window) =>
  linesOf(window.sources, (line) => ({
    tenant: window.sources.tenant(line),
    packets: window.sources.packets(line),
    syn: lane(window, line, SOURCE_SYN),
    udp: lane(window, line, SOURCE_UDP),
    answered: lane(window, line, SOURCE_ANSWERED),
    refused: lane(window, line, SOURCE_REFUSED),
  }));

/** How many of the 64 bits are set for distinct targets, and for distinct ports. */
export const sourceBitsOf = (window: Window) =>
  linesOf(window.sources, (line) => {
    const count = (at: number): number => bitCount(lane(window, line, at)) + bitCount(lane(window, line, at + 1));
    return { targetBits: count(SOURCE_TARGET_BITS), portBits: count(SOURCE_PORT_BITS) };
  });

export const targetsOf = (window: Window) =>
  linesOf(window.targets, (line) => ({
    tenant: window.targets.tenant(line),
    packets: window.targets.packets(line),
    bytes: window.targets.bytes(line),
    kinds: rowOf(
      PACKET_KINDS,
      PACKET_KINDS.map((_, kind) => window.targetPackets(line, kind)),
    ),
  }));

/** The closer looks, by target. */
export const detailsOf = (window: Window) =>
  new Map(
    [...window.targets.used()]
      .map((line) => [line, window.targetDetail(line)] as const)
      .filter(([, slot]) => slot >= 0)
      .map(([line, slot]) => [
        addressOf(window.targets, line),
        {
          sources: estimateDistinct(window.details.sketch(slot)),
          ports: window.details.distinctPorts(slot),
          topSources: window.details
            .topSources(slot)
            .map(({ words, share }) => [formatAddress(...words), share] as const),
          topPorts: window.details.topPorts(slot).map(({ port, share }) => [port, share] as const),
        },
      ]),
  );

const byName = <V>([a]: readonly [string | number, V], [b]: readonly [string | number, V]): number =>
  String(a).localeCompare(String(b));

/** Everything that a window shows, in no order of its own. */
export const readAll = (window: Window) => ({
  startMs: window.startMs,
  endMs: window.endMs,
  received: window.received,
  dropped: window.dropped,
  totals: totalsOf(window),
  malformed: malformedOf(window),
  tenants: tenantsOf(window),
  sources: sourcesOf(window),
  sourceBits: sourceBitsOf(window),
  targets: targetsOf(window),
  evictions: [window.sources.evictions, window.targets.evictions],
  details: new Map(
    [...detailsOf(window)].map(([address, { topSources, topPorts, ...counts }]) => [
      address,
      { ...counts, topSources: topSources.toSorted(byName), topPorts: topPorts.toSorted(byName) },
    ]),
  ),
});
