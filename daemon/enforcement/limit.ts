/** What a tenant's port is held to: as it was decided, and as the kernel is asked for it. */
import type { Milliseconds } from '../../probes/probe.ts';

/** Where an interface leads: to everybody, or to one tenant's own port. */
export type Faces = 'internet' | 'tenant';

/** What a tenant's port is held to, until when and why. Plain data: it survives a restart. */
export interface StandingLimit {
  /** The tenant's id. */
  readonly tenant: string;
  /** For each direction, in bit/s of layer 2 without FCS. */
  readonly rateBps: number;
  readonly sinceMs: Milliseconds;
  /** It is lifted then, unless its cause is seen again; null: it stays until it is lifted by hand. */
  readonly untilMs: Milliseconds | null;
  /** How long it holds after the last sign of its cause. */
  readonly holdMs: Milliseconds;
  /** For a person. */
  readonly reason: string;
  /** The incident that led to it; null: it was set by hand. */
  readonly incident: string | null;
  /** Who set it by hand; null: an incident. */
  readonly by: string | null;
}

/** A limit at one interface. */
export interface Limit {
  readonly tenant: string;
  /** The tenant's number, 1 for the first; handles of tc objects come from it. */
  readonly slot: number;
  readonly rateBps: number;
  /** CIDR blocks, IPv4 and IPv6, of any length. */
  readonly addresses: readonly string[];
  /** Blocks within those that are not limited: the host's own addresses. */
  readonly spared: readonly string[];
  /** The interface where the tenant's packets are steered to their limit. */
  readonly interface: string;
  readonly faces: Faces;
}
