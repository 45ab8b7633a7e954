/** What a capture through `cap` is opened with, and the defaults. */

export interface CapOptions {
  /** A network interface, or `any`: all of them, in Linux' cooked form. */
  readonly interface: string;
  /** In the language of pcap-filter(7); empty: every packet. */
  readonly filter: string;
  /**
   * What libpcap is told to make its ring of: slots, each for the largest frame (TPACKET_V2, since `cap` wants each packet at
   * once). With GRO, GSO or TSO on that is 64 KiB: 64 MiB are 1,000 packets and take 128 MiB that cannot be swapped out,
   * for a slot is rounded up to a power of two; without them they are some 30,000 packets.
   */
  readonly bufferBytes: number;
  /** Bytes handed on of an ordinary frame. */
  readonly snapLength: number;
  /** TCP and UDP ports, at either end, whose packets are handed on whole. */
  readonly signallingPorts: readonly number[];
  /** An interface that does not exist is waited for; else it is an error. */
  readonly waitForInterface: boolean;
}

/** The longest that a frame waits in the child for others. */
export const FLUSH_MS = 5;

export const CAP_DEFAULTS = {
  filter: '',
  bufferBytes: 1 << 26,
  snapLength: 128,
  signallingPorts: [5060, 5061, 25, 465, 587],
  waitForInterface: false,
} as const;

/** The one that is no interface: it is always there. */
export const ANY_INTERFACE = 'any';
