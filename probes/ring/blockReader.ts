/**
 * Walks one block of a TPACKET_V3 ring (struct tpacket_block_desc, linux/if_packet.h) into the arrays of a FrameBlock.
 * Pure over its memory; this is the hot loop of capturing, so it makes no objects and reads in words of 32 bits.
 */
import { FRAME_CHECKSUM_PENDING, FRAME_OUTGOING, type FrameBlock } from '../probe.ts';

/** struct tpacket_block_desc, in 32-bit words. */
export const BLOCK_STATUS = 2;
const BLOCK_PACKETS = 3;
const BLOCK_FIRST_OFFSET = 4;
const BLOCK_HEADER_BYTES = 48;

/** struct tpacket3_hdr, in 32-bit words; it is followed by a struct sockaddr_ll. */
const NEXT_OFFSET = 0;
const SECONDS = 1;
const NANOSECONDS = 2;
const CAPTURED_LENGTH = 3;
const WIRE_LENGTH = 4;
const STATUS = 5;
const MAC_OFFSET = 6; // low half
const VLAN_TCI = 8;
const VLAN_TPID = 9; // low half
const HEADER_BYTES = 48 + 20;
/** sockaddr_ll.sll_pkttype, in bytes from the start of the tpacket3_hdr. */
const PACKET_TYPE = 48 + 10;
const PACKET_OUTGOING = 4;

/** tp_status */
const TP_STATUS_CSUMNOTREADY = 1 << 3;
const TP_STATUS_VLAN_VALID = 1 << 4;
const TP_STATUS_VLAN_TPID_VALID = 1 << 6;
/** What the tag was where the kernel does not say (before Linux 3.14). */
const ETH_P_8021Q = 0x8100;
const VLAN_TAG_BYTES = 4;

/** struct virtio_net_hdr, just before the frame (PACKET_VNET_HDR); the segment size counts only with a type. */
const VIRTIO_BYTES = 10;
const VIRTIO_GSO_TYPE = -9;
const VIRTIO_GSO_SIZE = -6;

/** No frame takes less of a block: its headers, one byte of it, rounded up to 8 (V3_ALIGNMENT of af_packet.c). */
const SMALLEST_FRAME_BYTES = 80;

/** A FrameBlock whose arrays are made once and filled again for each block. */
export interface RingBlock extends FrameBlock {
  count: number;
}

/** For blocks of `blockBytes` each in `memory`, which is the whole ring. */
export function makeRingBlock(memory: ArrayBuffer, linkType: number, blockBytes: number): RingBlock {
  const most = Math.ceil((blockBytes - BLOCK_HEADER_BYTES) / SMALLEST_FRAME_BYTES);
  return {
    bytes: new Uint8Array(memory),
    linkType,
    count: 0,
    offsets: new Uint32Array(most),
    capturedLengths: new Uint32Array(most),
    wireLengths: new Uint32Array(most),
    timesMs: new Float64Array(most),
    segmentSizes: new Uint16Array(most),
    vlanTags: new Uint32Array(most),
    flags: new Uint8Array(most),
  };
}

/**
 * Fills `block` from the bytes [start, end) of the ring; `words` is the ring again, as words.
 * Returns how many packets the block claims beyond those that could be read: 0 unless its memory is broken.
 */
export function readBlock(words: Uint32Array, start: number, end: number, block: RingBlock): number {
  const { bytes, offsets, capturedLengths, wireLengths, timesMs, segmentSizes, vlanTags, flags } = block;
  const packets = Math.min(words[(start >>> 2) + BLOCK_PACKETS]!, offsets.length);
  let at = start + words[(start >>> 2) + BLOCK_FIRST_OFFSET]!;
  let count = 0;
  while (count < packets && at + HEADER_BYTES <= end && (at & 3) === 0) {
    const header = at >>> 2;
    const frame = at + (words[header + MAC_OFFSET]! & 0xffff);
    const captured = words[header + CAPTURED_LENGTH]!;
    if (frame < at + HEADER_BYTES + VIRTIO_BYTES || frame + captured > end) break;
    const status = words[header + STATUS]!;
    const isTagged = (status & TP_STATUS_VLAN_VALID) !== 0;
    const tpid = (status & TP_STATUS_VLAN_TPID_VALID) !== 0 ? words[header + VLAN_TPID]! & 0xffff : ETH_P_8021Q;
    offsets[count] = frame;
    capturedLengths[count] = captured;
    wireLengths[count] = words[header + WIRE_LENGTH]! + (isTagged ? VLAN_TAG_BYTES : 0);
    timesMs[count] = words[header + SECONDS]! * 1e3 + words[header + NANOSECONDS]! * 1e-6;
    segmentSizes[count] =
      bytes[frame + VIRTIO_GSO_TYPE] === 0
        ? 0
        : bytes[frame + VIRTIO_GSO_SIZE]! | (bytes[frame + VIRTIO_GSO_SIZE + 1]! << 8);
    vlanTags[count] = isTagged ? (tpid << 16) | (words[header + VLAN_TCI]! & 0xffff) : 0;
    flags[count] =
      (bytes[at + PACKET_TYPE] === PACKET_OUTGOING ? FRAME_OUTGOING : 0) |
      ((status & TP_STATUS_CSUMNOTREADY) !== 0 ? FRAME_CHECKSUM_PENDING : 0);
    count++;
    const next = words[header + NEXT_OFFSET]!;
    if (next < HEADER_BYTES) break; // 0 in the last packet
    at += next;
  }
  block.count = count;
  return packets - count;
}
