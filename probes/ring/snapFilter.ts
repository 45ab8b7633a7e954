/**
 * The classic BPF program that decides in the kernel how much of each frame is captured: its headers, or the whole of it
 * when it is signalling. It never drops a frame. Pure; instructions as in Documentation/networking/filter.rst.
 */
import { LINKTYPE_ETHERNET } from '../probe.ts';

export interface SnapRule {
  readonly linkType: number;
  /** Bytes captured of an ordinary frame. */
  readonly snapLength: number;
  /** TCP and UDP ports, at either end, whose packets are captured whole. */
  readonly signallingPorts: readonly number[];
}

/** What "whole" means, in bytes. */
export const SIGNALLING_SNAP_LENGTH = 65_535;
/** Jumps reach 255 instructions, and a port takes two. */
export const MOST_SIGNALLING_PORTS = 100;

/**
 * Ethernet, two VLAN tags, the longest IPv4 header, both ports. A load beyond the frame's end would end the program with
 * "drop", so that only frames longer than this are looked into.
 */
const LOOKED_INTO = 14 + 8 + 60 + 4;

/** linux/bpf_common.h */
const LD_LENGTH = 0x80;
const LDH_ABSOLUTE = 0x28;
const LDB_ABSOLUTE = 0x30;
const LDH_INDEXED = 0x48;
const LDB_INDEXED = 0x50;
const LDX_IMMEDIATE = 0x01;
const ADD = 0x04;
const ADD_X = 0x0c;
const AND = 0x54;
const SHIFT_LEFT = 0x64;
const TAX = 0x07;
const TXA = 0x87;
const JUMP = 0x05;
const IF_EQUAL = 0x15;
const IF_GREATER = 0x25;
const IF_BITS = 0x45;
const RETURN = 0x06;

/** An instruction: code, operand, and where a jump goes (undefined: on to the next). */
type Instruction = readonly [code: number, operand?: number, ifTrue?: string | undefined, ifFalse?: string];
/** A string is the label of the instruction after it. */
type Line = string | Instruction;

/** The program as an array of struct sock_filter: u16 code, u8 jump if true, u8 jump if false, u32 operand. */
export function snapFilter(rule: SnapRule): Uint8Array<ArrayBuffer> {
  const { linkType, snapLength, signallingPorts } = rule;
  if (signallingPorts.length > MOST_SIGNALLING_PORTS) {
    throw new RangeError(`Cannot compile a filter: more than ${MOST_SIGNALLING_PORTS} signalling ports`);
  }
  // The kernel takes a length of 0 as "drop".
  if (snapLength < 1) throw new RangeError(`Cannot compile a filter: a snap length of ${snapLength}`);
  const isSignalling = signallingPorts.map((port): Line => [IF_EQUAL, port, 'whole']);
  return assemble([
    [LD_LENGTH],
    [IF_GREATER, Math.max(snapLength, LOOKED_INTO), undefined, 'snap'],
    ...(linkType === LINKTYPE_ETHERNET ? ETHERNET : RAW),
    ...NETWORK,
    'ports',
    [LDH_INDEXED, 0],
    ...isSignalling,
    [LDH_INDEXED, 2],
    ...isSignalling,
    'snap',
    [RETURN, snapLength],
    'whole',
    [RETURN, Math.max(snapLength, SIGNALLING_SNAP_LENGTH)],
  ]);
}

const C_TAG = 0x8100;
const S_TAG = 0x88a8;
const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;

/** Each of these leaves the start of the IP header in X. */
const ETHERNET: readonly Line[] = [
  [LDX_IMMEDIATE, 14],
  [LDH_ABSOLUTE, 12],
  [IF_EQUAL, C_TAG, 'oneTag'],
  [IF_EQUAL, S_TAG, 'oneTag', 'etherType'],
  'oneTag',
  [LDX_IMMEDIATE, 18],
  [LDH_ABSOLUTE, 16],
  [IF_EQUAL, C_TAG, undefined, 'etherType'],
  [LDX_IMMEDIATE, 22],
  [LDH_ABSOLUTE, 20],
  'etherType',
  [IF_EQUAL, ETHERTYPE_IPV4, 'ipv4'],
  [IF_EQUAL, ETHERTYPE_IPV6, 'ipv6', 'snap'],
];
const RAW: readonly Line[] = [
  [LDX_IMMEDIATE, 0],
  [LDB_ABSOLUTE, 0],
  [AND, 0xf0],
  [IF_EQUAL, 0x40, 'ipv4'],
  [IF_EQUAL, 0x60, 'ipv6', 'snap'],
];

const TCP = 6;
const UDP = 17;

/** From the start of the IP header in X to the start of the transport's; later fragments have no ports. */
const NETWORK: readonly Line[] = [
  'ipv4',
  [LDH_INDEXED, 6],
  [IF_BITS, 0x1fff, 'snap'],
  [LDB_INDEXED, 9],
  [IF_EQUAL, TCP, 'ipv4Ports'],
  [IF_EQUAL, UDP, undefined, 'snap'],
  'ipv4Ports',
  [LDB_INDEXED, 0],
  [AND, 0x0f],
  [SHIFT_LEFT, 2],
  [ADD_X],
  [TAX],
  [JUMP, 0, 'ports'],
  'ipv6',
  [LDB_INDEXED, 6],
  [IF_EQUAL, TCP, 'ipv6Ports'],
  [IF_EQUAL, UDP, undefined, 'snap'],
  'ipv6Ports',
  [TXA],
  [ADD, 40],
  [TAX],
];

const INSTRUCTION_BYTES = 8;

function assemble(lines: readonly Line[]): Uint8Array<ArrayBuffer> {
  const labels = new Map<string, number>();
  const instructions: Instruction[] = [];
  for (const line of lines) {
    if (typeof line === 'string') labels.set(line, instructions.length);
    else instructions.push(line);
  }
  const program = new DataView(new ArrayBuffer(instructions.length * INSTRUCTION_BYTES));
  instructions.forEach(([code, operand = 0, ifTrue, ifFalse], i) => {
    const jump = (label: string | undefined): number => (label === undefined ? 0 : (labels.get(label) ?? 0) - i - 1);
    const at = i * INSTRUCTION_BYTES;
    program.setUint16(at, code, true);
    program.setUint8(at + 2, code === JUMP ? 0 : jump(ifTrue));
    program.setUint8(at + 3, jump(ifFalse));
    program.setUint32(at + 4, code === JUMP ? jump(ifTrue) : operand, true);
  });
  return new Uint8Array(program.buffer);
}

/** struct sock_fprog: u16 number of instructions, padding, address of the first. */
export function filterProgram(filter: Uint8Array, address: bigint): DataView<ArrayBuffer> {
  const program = new DataView(new ArrayBuffer(16));
  program.setUint16(0, filter.length / INSTRUCTION_BYTES, true);
  program.setBigUint64(8, address, true);
  return program;
}
