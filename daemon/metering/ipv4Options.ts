/** Looks through the options of an IPv4 header (RFC 791 section 3.1; numbers by IANA) for those that hide or ask for a route. */
import { anomalyBit, type Header } from './header.ts';

const SOURCE_ROUTE = anomalyBit('sourceRoute');
const RECORD_ROUTE = anomalyBit('recordRoute');
const IP_OPTION = anomalyBit('ipOption');

const END = 0;
const NO_OPERATION = 1;
/** What hosts and routers do send: router alert (RFC 2113), as with IGMP and RSVP. */
const ROUTER_ALERT = 148;

/** By option: record route and time stamps tell of the way, loose and strict source routes choose it. */
const ANOMALY_BY_OPTION: Readonly<Record<number, number>> = {
  7: RECORD_ROUTE,
  68: RECORD_ROUTE,
  131: SOURCE_ROUTE,
  137: SOURCE_ROUTE,
};

/** The options of bytes `start` … `end` - 1; at most 40, of which each has at least one byte. */
export function decodeIPv4Options(view: DataView, start: number, end: number, header: Header): void {
  let at = start;
  while (at < end) {
    const option = view.getUint8(at);
    if (option === END) return;
    if (option === NO_OPERATION) {
      at += 1;
      continue;
    }
    if (option !== ROUTER_ALERT) header.anomalies |= ANOMALY_BY_OPTION[option] ?? IP_OPTION;
    const length = at + 1 < end ? view.getUint8(at + 1) : 0;
    if (length < 2) return;
    at += length;
  }
}
