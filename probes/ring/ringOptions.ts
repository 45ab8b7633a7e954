/** What a ring is opened with, and the defaults. */

export interface RingOptions {
  readonly interface: string;
  /** Bytes of one block, a multiple of the page size; a frame longer than a block is cut. */
  readonly blockBytes: number;
  readonly blocks: number;
  /** After how many milliseconds the kernel hands over a block that is not full: the longest that a frame waits. */
  readonly retireMs: number;
  /** Also captures frames for other stations; no more than a listener needs. */
  readonly promiscuous: boolean;
  /** Bytes captured of an ordinary frame. */
  readonly snapLength: number;
  /** TCP and UDP ports, at either end, whose packets are captured whole; at most MOST_SIGNALLING_PORTS. */
  readonly signallingPorts: readonly number[];
  /** An interface that does not exist is waited for; else it is an error. */
  readonly waitForInterface: boolean;
}

export const RING_DEFAULTS = {
  blockBytes: 1 << 20,
  blocks: 64,
  retireMs: 10,
  promiscuous: false,
  snapLength: 128,
  signallingPorts: [5060, 5061, 25, 465, 587],
  waitForInterface: false,
} as const;
