/**
 * The kernel's counters of all interfaces, from one read of /proc/net/dev (net/core/net-procfs.c). systeminformation's
 * networkStats is not used: it starts a shell and asks sysfs for each interface, 18-21 ms for one, and the counters of two
 * interfaces are then of different moments.
 */
import type { InterfaceCounters } from '../sample.ts';

/** Columns of a line, behind the name: bytes packets errs drop fifo frame compressed multicast, and eight of what was sent. */
const RECEIVED_BYTES = 0;
const RECEIVED_PACKETS = 1;
const RECEIVED_DROPPED = 3;
const SENT_BYTES = 8;
const SENT_PACKETS = 9;
const COLUMNS = 16;
const HEADER_LINES = 2;

export const parseInterfaceCounters = (text: string): InterfaceCounters[] =>
  text.split('\n').slice(HEADER_LINES).flatMap(parseLine);

/** A name has no white space, but may have colons (an alias of old). */
function parseLine(line: string): InterfaceCounters[] {
  const colon = line.lastIndexOf(':');
  const name = line.slice(0, Math.max(colon, 0)).trim();
  const columns = line
    .slice(colon + 1)
    .trim()
    .split(/\s+/);
  if (name === '' || columns.length < COLUMNS) return [];
  const counter = (column: number): number | null => {
    const digits = columns[column] ?? '';
    return /^\d{1,20}$/.test(digits) ? Number(digits) : null;
  };
  return [
    {
      name,
      receivedPackets: counter(RECEIVED_PACKETS),
      receivedBytes: counter(RECEIVED_BYTES),
      receivedDropped: counter(RECEIVED_DROPPED),
      sentPackets: counter(SENT_PACKETS),
      sentBytes: counter(SENT_BYTES),
    },
  ];
}
