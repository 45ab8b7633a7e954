/** A tenant of the PBX host, and the plan that it pays for. */

/** Mean rates that one direction must not reach over `forMs`; at least one of them is set. */
export interface BandwidthThreshold {
  readonly rateBps: number | null;
  readonly packetsPerSecond: number | null;
  readonly forMs: number;
}

export interface Plan {
  /** The port's speed in bit/s; null: not known. */
  readonly portBps: number | null;
  /** A guaranteed-bandwidth circuit: never limited for throughput. */
  readonly guaranteed: boolean;
  /** Passing it is `bandwidthThreshold`, or `packetThreshold`; null: none. */
  readonly threshold: BandwidthThreshold | null;
  /** What the port is limited to once the threshold is passed, in bit/s; null: it is never limited. */
  readonly limitBps: number | null;
}

export interface Tenant {
  readonly id: string;
  /** CIDR blocks in canonical text: `198.51.100.8/29`, `2001:db8:8::/48`. */
  readonly addresses: readonly string[];
  /** Lower-case, colon-separated. */
  readonly macs: readonly string[];
  readonly plan: Plan;
}
