/** Notices packets that end at the next router, which is no way to reach anybody: whoever watches them sees what their target never does. */
import { TCP_RST } from './decodeResult.ts';
import { PROTOCOL_TCP } from './decodeTransport.ts';
import { anomalyBit, type Header } from './header.ts';

const EXPIRING_SEGMENT = anomalyBit('expiringSegment');
const TTL_ZERO = anomalyBit('ttlZero');

/** What neighbours on a link speak with a TTL of 1, so that nobody further away can: BGP (RFC 4271), MSDP (RFC 3618), LDP (RFC 5036). */
const NEIGHBOURS_PORTS: ReadonlySet<number> = new Set([179, 639, 646]);

/**
 * A TTL of 0 or 1. Groups and link-local addresses end at the link; OSPF, RIP, IGMP and the like have it, and so have the probes of
 * traceroute: datagrams, echoes, SYNs. Data and resets of a connection have no such reason (Ptacek, Newsham, "Insertion, Evasion, and
 * Denial of Service", 1998). `payload`: bytes behind the headers.
 */
export function noteExpiring(header: Header, ttl: number, payload: number): void {
  if (endsAtLink(header)) return;
  // RFC 1122 section 3.2.1.7: no host sends it, no router passes it on.
  if (ttl === 0) header.anomalies |= TTL_ZERO;
  if (header.protocol !== PROTOCOL_TCP || (payload <= 0 && header.kind !== TCP_RST)) return;
  if (NEIGHBOURS_PORTS.has(header.sourcePort) || NEIGHBOURS_PORTS.has(header.destinationPort)) return;
  header.anomalies |= EXPIRING_SEGMENT;
}

/** Multicast, the limited broadcast, link-local addresses, loopback. */
function endsAtLink({ destination0, destination1, destination2, destination3 }: Header): boolean {
  if (destination0 === 0 && destination1 === 0 && destination2 === 0xffff)
    return destination3 >>> 28 >= 14 || destination3 >>> 16 === 0xa9fe || destination3 >>> 24 === 127;
  return destination0 >>> 24 === 0xff || destination0 >>> 22 === 0xfe80 >>> 6 || destination0 === 0;
}
