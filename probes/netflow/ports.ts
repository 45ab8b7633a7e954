/** What stands in the port fields of a flow record, by IP protocol. */

export const NO_PORTS = 0;
export const PORTS = 1;
/** The destination port is the ICMP type << 8 | code (as NetFlow v5 and v9 write it). */
export const ICMP_TYPE = 2;

const TCP = 6;
const UDP = 17;
const DCCP = 33;
const SCTP = 132;
const UDP_LITE = 136;

/** By protocolIdentifier. */
export const PORT_USE = Uint8Array.from({ length: 256 }, (_, protocol) => {
  if (protocol === 1 || protocol === 58) return ICMP_TYPE;
  return [TCP, UDP, DCCP, SCTP, UDP_LITE].includes(protocol) ? PORTS : NO_PORTS;
});
