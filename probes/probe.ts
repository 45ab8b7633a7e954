/** The contracts between what captures packets and what meters them. */

/** Milliseconds since the Unix epoch, with a fraction (0.25 µs of precision at today's dates). */
export type Milliseconds = number;

/** What a Date can hold (ECMA-262), before and after the epoch: whatever lies beyond is no time of a packet. */
export const MAX_TIME_MS = 8.64e15;

/** `FrameBlock.flags`: the frame was sent by this host (`sll_pkttype` 4), not received. */
export const FRAME_OUTGOING = 1;
/** `FrameBlock.flags`: the transport checksum was still to be filled in by the device (TP_STATUS_CSUMNOTREADY). */
export const FRAME_CHECKSUM_PENDING = 2;

/** Link types as libpcap numbers them (https://www.tcpdump.org/linktypes.html). */
export const LINKTYPE_NULL = 0;
export const LINKTYPE_ETHERNET = 1;
export const LINKTYPE_PPP = 9;
export const LINKTYPE_FDDI = 10;
export const LINKTYPE_PPP_HDLC = 50;
export const LINKTYPE_PPP_ETHER = 51;
export const LINKTYPE_RAW = 101;
export const LINKTYPE_C_HDLC = 104;
export const LINKTYPE_LOOP = 108;
export const LINKTYPE_LINUX_SLL = 113;
export const LINKTYPE_IPV4 = 228;
export const LINKTYPE_IPV6 = 229;
export const LINKTYPE_NFLOG = 239;
export const LINKTYPE_LINUX_SLL2 = 276;

/**
 * Many captured frames in one memory block, described by arrays of `count` entries each, so that there is no
 * object per packet. The probe owns the memory: it is valid until `release(block)`.
 */
export interface FrameBlock {
  readonly bytes: Uint8Array;
  readonly linkType: number;
  readonly count: number;
  /** Where frame i starts in `bytes`. */
  readonly offsets: Uint32Array;
  /** How many of its bytes lie there. */
  readonly capturedLengths: Uint32Array;
  /** How long the frame was, in bytes of layer 2 without FCS; a super-packet is counted whole. */
  readonly wireLengths: Uint32Array;
  readonly timesMs: Float64Array;
  /** Payload bytes of one segment of a GSO/GRO super-packet (virtio `gso_size`); 0: an ordinary frame. */
  readonly segmentSizes: Uint16Array;
  /** A VLAN tag that the kernel took out of the frame, as TPID << 16 | TCI; 0: none. */
  readonly vlanTags: Uint32Array;
  /** FRAME_* bits. */
  readonly flags: Uint8Array;
}

/**
 * Whether packets can arrive: `down` and `absent` interfaces are waited for, `ended` is the end of a file. `restarting`: they
 * may arrive, but the process that captures them is dead, or does not capture yet.
 */
export type ProbeState = 'up' | 'down' | 'absent' | 'restarting' | 'ended';

/** Totals since the probe was opened; `dropped` is null where it cannot be known, never 0. */
export interface ProbeStatistics {
  readonly received: number;
  readonly dropped: number | null;
  readonly state: ProbeState;
  /** How often the probe had to attach again, to an interface that was deleted and made anew. */
  readonly reattached: number;
  /** How often the process that captures had to be started again, and why the last time; absent: there is none. */
  readonly restarts?: number;
  readonly lastFailure?: string | null;
  /** A filter keeps packets away, so that the interface's own counters say more; absent: none does. */
  readonly isFiltered?: boolean;
}

/** A source of frames. Everything is synchronous: a probe lives in a thread of its own. */
export interface PacketProbe {
  /** The next block of frames, or null when `timeoutMs` has passed, or the state has changed, without one. */
  next(timeoutMs: number): FrameBlock | null;
  /** Hands the block's memory back; the block must not be read afterwards. */
  release(block: FrameBlock): void;
  statistics(): ProbeStatistics;
  close(): void;
}
