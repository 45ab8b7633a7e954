/** The Limit: what enforcement is asked to hold a tenant's port to. */
import type { Milliseconds } from '../../probes/probe.ts';

/** Where an interface leads: to everybody, or to one tenant's own port. */
export type Faces = 'internet' | 'tenant';

export interface Limit {
  /** The tenant's id. */
  readonly tenant: string;
  /** The tenant's number, 1 for the first; handles of tc objects come from it. */
  readonly slot: number;
  /** For each direction, in bit/s of layer 2 without FCS. */
  readonly rateBps: number;
  /** CIDR blocks, IPv4 and IPv6, of any length. */
  readonly addresses: readonly string[];
  /** The interface where the tenant's packets are steered to their limit. */
  readonly interface: string;
  readonly faces: Faces;
}

/** A limit with its reason and its time. */
export interface StandingLimit extends Limit {
  readonly sinceMs: Milliseconds;
  /** It is lifted then, unless an incident is open. */
  readonly untilMs: Milliseconds;
  /** The id of the incident that set it. */
  readonly reason: string;
}
