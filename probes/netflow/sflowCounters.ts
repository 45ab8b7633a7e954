/** Counter samples of sFlow version 5: what the exporter's interfaces have counted, beside which the samples can be judged. */
import { type FlowSink, InterfaceCounters } from '../flow.ts';
import type { Message } from './message.ts';
import { padded } from './xdr.ts';

/** Octets before the sample's records. */
const SAMPLE_OCTETS = 12;
const EXPANDED_OCTETS = 16;
/** struct if_counters, of enterprise 0: the same for interfaces of every kind. */
const IF_COUNTERS = 1;
const IF_COUNTERS_OCTETS = 88;
const IF_SPEED = 8;
/** Of each direction: octets (64 bits), then unicast, multicast and broadcast packets, discards and errors. */
const IF_IN = 24;
const IF_OUT = 56;
const PACKETS = 8;
const DISCARDS = 20;
const ERRORS = 24;
const TWO_32 = 2 ** 32;
/** "If the agent cannot determine a counter, all its bits are set." */
const NOT_KNOWN = 0xffff_ffff;

const counters = new InterfaceCounters();

/** Whether all its records lie within it; if not, nothing of it is handed over. */
export function readCounterSample(
  message: Message,
  from: number,
  end: number,
  isExpanded: boolean,
  sink: FlowSink,
): boolean {
  const { view } = message;
  const records = from + (isExpanded ? EXPANDED_OCTETS : SAMPLE_OCTETS);
  if (records > end) return false;
  const count = view.getUint32(records - 4);
  let interfaceAt = 0;
  let at = records;
  for (let i = 0; i < count; i++) {
    if (at + 8 > end) return false;
    const octets = view.getUint32(at + 4);
    const next = at + 8 + padded(octets);
    if (next > end) return false;
    if (view.getUint32(at) === IF_COUNTERS) {
      if (octets < IF_COUNTERS_OCTETS) return false;
      interfaceAt = at + 8;
    }
    at = next;
  }
  if (interfaceAt > 0) {
    readCounters(view, interfaceAt);
    sink.observeInterface(counters, message);
  }
  return true;
}

function readCounters(view: DataView, at: number): void {
  counters.ifIndex = view.getUint32(at);
  counters.ifSpeed = wide(view, at + IF_SPEED);
  counters.ifInOctets = wide(view, at + IF_IN);
  counters.ifInPackets = packets(view, at + IF_IN + PACKETS);
  counters.ifInDiscards = word(view, at + IF_IN + DISCARDS);
  counters.ifInErrors = word(view, at + IF_IN + ERRORS);
  counters.ifOutOctets = wide(view, at + IF_OUT);
  counters.ifOutPackets = packets(view, at + IF_OUT + PACKETS);
  counters.ifOutDiscards = word(view, at + IF_OUT + DISCARDS);
  counters.ifOutErrors = word(view, at + IF_OUT + ERRORS);
}

function word(view: DataView, at: number): number {
  const value = view.getUint32(at);
  return value === NOT_KNOWN ? -1 : value;
}

function wide(view: DataView, at: number): number {
  const high = view.getUint32(at);
  const low = view.getUint32(at + 4);
  return high === NOT_KNOWN && low === NOT_KNOWN ? -1 : high * TWO_32 + low;
}

/** Of the kinds that the agent counts; of none: not known. */
function packets(view: DataView, at: number): number {
  let sum = -1;
  for (let kind = 0; kind < 3; kind++) {
    const value = word(view, at + kind * 4);
    if (value >= 0) sum = Math.max(sum, 0) + value;
  }
  return sum;
}
