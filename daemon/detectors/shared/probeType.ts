/** How the first packet of a contact was made: by connect(2), or as a scanner's own. */
import { isIpv4 } from '../../metering/address.ts';
import {
  ARP_CONTACT,
  ECHO_CONTACT,
  FIN_CONTACT,
  NULL_CONTACT,
  type PairLine,
  PROTOCOL_CONTACT,
  SYN_CONTACT,
  UDP_CONTACT,
  XMAS_CONTACT,
} from '../../metering/pairTable.ts';

/** As nmap calls its scans, where it has a name for them. */
export const PROBE_TYPES = [
  'syn',
  'connect',
  'ack',
  'fin',
  'null',
  'xmas',
  'odd',
  'udp',
  'icmp',
  'protocol',
  'arp',
] as const;
export type ProbeType = (typeof PROBE_TYPES)[number];

export const isTcp = (type: ProbeType): boolean => PROBE_TYPES.indexOf(type) < PROBE_TYPES.indexOf('udp');

const TYPES: Readonly<Partial<Record<number, ProbeType>>> = {
  [UDP_CONTACT]: 'udp',
  [ECHO_CONTACT]: 'icmp',
  [FIN_CONTACT]: 'fin',
  [NULL_CONTACT]: 'null',
  [XMAS_CONTACT]: 'xmas',
  [PROTOCOL_CONTACT]: 'protocol',
  [ARP_CONTACT]: 'arp',
};

export function probeType(line: PairLine, contact: number): ProbeType {
  if (contact === SYN_CONTACT) return isOfStack(line) ? 'connect' : 'syn';
  return TYPES[contact] ?? 'odd';
}

/**
 * What an operating system sends for connect(2) has the options of RFC 7323 and RFC 2018, and so 32 (Windows), 40 (Linux)
 * or 44 bytes (BSD, macOS) of TCP header; those who write their own packets send 20 or 24.
 */
const STACK_HEADERS = [32, 40, 44];
/** Of Ethernet, with a VLAN tag, and of links without hardware addresses: none, Linux' cooked capture. */
const LINK_BYTES = { ethernet: [14, 18], others: [0, 16, 20] } as const;
/** So that 24 bytes of data in a SYN (`nmap --data-length`) are not taken for options: 18 + 44 is 14 + 48. */
const LONGEST = 14 + 44;

function isOfStack({ bytes, packets, mac, initiator }: PairLine): boolean {
  const withLink = bytes / packets - (isIpv4(initiator) ? 20 : 40);
  const links: readonly number[] = mac === 0 ? LINK_BYTES.others : LINK_BYTES.ethernet;
  return withLink <= LONGEST && STACK_HEADERS.some((header) => links.includes(withLink - header));
}
