/** Headers of layer 2 for tests: of each link type that is decoded, and of what can stand between Ethernet and IP. */
import {
  LINKTYPE_C_HDLC,
  LINKTYPE_ETHERNET,
  LINKTYPE_FDDI,
  LINKTYPE_IPV4,
  LINKTYPE_IPV6,
  LINKTYPE_LINUX_SLL,
  LINKTYPE_LINUX_SLL2,
  LINKTYPE_LOOP,
  LINKTYPE_NFLOG,
  LINKTYPE_NULL,
  LINKTYPE_PPP,
  LINKTYPE_PPP_ETHER,
  LINKTYPE_PPP_HDLC,
  LINKTYPE_RAW,
} from '../../probes/probe.ts';

export const MACS = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2] as const;
const ETHERNET_BYTES = 14;

export const hex = (text: string): number[] => [...Buffer.from(text.replaceAll(' ', ''), 'hex')];
const u16 = (value: number): number[] => [value >> 8, value & 255];

/** Other headers before the packet of an Ethernet frame. */
export const behind = (header: readonly number[], packet: Uint8Array): Uint8Array =>
  Uint8Array.from([...header, ...packet.subarray(ETHERNET_BYTES)]);

/** Addresses, and tags up to the EtherType that is still to come. */
export const tagged = (...types: number[]): number[] => [...MACS, ...types.flatMap((type) => [...u16(type), 0, 8])];
export const sll = (type: number): number[] => [...hex('0000 0001 0006 020000000001 0000'), ...u16(type)];
export const sll2 = (type: number): number[] => [...u16(type), ...hex('0000 00000002 0001 00 06 020000000001 0000')];

/** Of MPLS: 20 bits of number, the last of the stack or not, 64 hops to go. */
export const label = (isLast = false): number[] => [0, 1, isLast ? 0xe1 : 0xe0, 64];
/** EtherType, version, code, session and length. */
export const PPPOE: readonly number[] = hex('8864 1100 0012 0032');
export const snap = (type: number): number[] => [...hex('aaaa03 000000'), ...u16(type)];
export const fddi = (control: number): number[] => [control, ...MACS];

/** The hook's and the prefix' attribute, padded, before the packet's with its `length`. */
export function nflog(family: number, length: number, isLittleEndian = true): number[] {
  const word = (value: number): number[] => (isLittleEndian ? u16(value).toReversed() : u16(value));
  const before = [
    ...word(8),
    ...word(1),
    ...u16(etherType(family === 10 ? 6 : 4)),
    1,
    0,
    ...word(5),
    ...word(10),
    0,
    0,
    0,
    0,
  ];
  return [family, 0, 0, 40, ...before, ...word(length + 4), ...word(9)];
}

type LinkHeader = readonly [
  name: string,
  linkType: number,
  /** Of an IP packet of so many bytes; null: it cannot carry one of this version. */
  header: (version: 4 | 6, length: number) => readonly number[] | null,
];

const etherType = (version: 4 | 6): number => (version === 4 ? 0x0800 : 0x86dd);
const ppp = (version: 4 | 6): number[] => [0, version === 4 ? 0x21 : 0x57];
const nothing = (): number[] => [];

export const LINK_HEADERS: readonly LinkHeader[] = [
  ['Ethernet', LINKTYPE_ETHERNET, (version) => [...MACS, ...u16(etherType(version))]],
  ['802.1Q', LINKTYPE_ETHERNET, (version) => [...tagged(0x8100), ...u16(etherType(version))]],
  ['802.1ad', LINKTYPE_ETHERNET, (version) => [...tagged(0x88a8, 0x8100), ...u16(etherType(version))]],
  ['MPLS', LINKTYPE_ETHERNET, () => [...MACS, 0x88, 0x47, ...label(), ...label(true)]],
  ['PPPoE', LINKTYPE_ETHERNET, (version, length) => [...MACS, ...pppoe(length), ...ppp(version)]],
  ['SNAP', LINKTYPE_ETHERNET, (version, length) => [...MACS, ...u16(length + 8), ...snap(etherType(version))]],
  ['BSD loopback', LINKTYPE_NULL, (version) => [version === 4 ? 2 : 30, 0, 0, 0]],
  ['OpenBSD loopback', LINKTYPE_LOOP, (version) => [0, 0, 0, version === 4 ? 2 : 24]],
  ['raw', LINKTYPE_RAW, nothing],
  ['raw as number 12', 12, nothing],
  ['raw as number 14', 14, nothing],
  ['IPv4', LINKTYPE_IPV4, (version) => (version === 4 ? [] : null)],
  ['IPv6', LINKTYPE_IPV6, (version) => (version === 6 ? [] : null)],
  ['Linux cooked', LINKTYPE_LINUX_SLL, (version) => sll(etherType(version))],
  ['Linux cooked 2', LINKTYPE_LINUX_SLL2, (version) => sll2(etherType(version))],
  ['PPP', LINKTYPE_PPP, ppp],
  ['PPP with address and control', LINKTYPE_PPP, (version) => [0xff, 3, ...ppp(version)]],
  ['PPP in HDLC', LINKTYPE_PPP_HDLC, (version) => [0xff, 3, ...ppp(version)]],
  ['PPPoE alone', LINKTYPE_PPP_ETHER, (version, length) => [...pppoe(length).slice(2), ...ppp(version)]],
  ['Cisco HDLC', LINKTYPE_C_HDLC, (version) => [0x0f, 0, ...u16(etherType(version))]],
  ['FDDI', LINKTYPE_FDDI, (version) => [...fddi(0x50), ...snap(etherType(version))]],
  ['NFLOG', LINKTYPE_NFLOG, (version, length) => nflog(version === 4 ? 2 : 10, length)],
];

const pppoe = (length: number): number[] => [...PPPOE.slice(0, 6), ...u16(length + 2)];
