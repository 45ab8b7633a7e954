/**
 * Suspects that an observation point is shown one direction alone: a mirror port of one way, or asymmetric routes. TCP
 * tells: whatever is acknowledged was sent, and whoever receives data acknowledges it. UDP and single SYNs need no answer.
 */
import type { Milliseconds } from '../../probes/probe.ts';
import { TCP_ACK, TCP_FIN, TCP_ODD, TCP_RST, TCP_SYN, TCP_SYN_ACK } from './decodeResult.ts';
import { type Direction, INBOUND, OUTBOUND, ROW, type Window } from './window.ts';

/** Acknowledging packets of one direction that one of the other must stand beside; GRO may make 40 data packets one ACK. */
const LEAST_PACKETS = 1000;
const LEAST_MS = 10_000;
/** What strays into a mirror of one way: frames to addresses that a switch has not learnt yet. */
const STRAY_SHARE = 1 / 1000;
/** More are not counted, so that 100 packets of the other direction are enough to refute the longest suspicion. */
const MOST_PACKETS = 100_000;
const TCP_KINDS: readonly number[] = [TCP_ACK, TCP_SYN, TCP_SYN_ACK, TCP_RST, TCP_FIN, TCP_ODD];

/** One direction as the only one that is seen. */
interface Evidence {
  readonly seen: Direction;
  acknowledging: number;
  /** TCP packets of the other direction. */
  against: number;
  sinceMs: Milliseconds | null;
}

const evidenceOf = (seen: Direction): Evidence => ({ seen, acknowledging: 0, against: 0, sinceMs: null });

export class OneWayWatch {
  readonly #evidence = [evidenceOf('inbound'), evidenceOf('outbound')] as const;

  /** The only direction that is seen, given this window and those before it; null: both are, or it cannot be known. */
  observe(window: Window): Direction | null {
    const [inbound, outbound] = this.#evidence;
    const tenantsOut = tcpOf(window, OUTBOUND, 1, window.shape.tenants);
    const tenantsIn = tcpOf(window, INBOUND, 1, window.shape.tenants);
    // Between two tenants a packet is both outbound and inbound, and says nothing of a mirror.
    const fromOthers = lesser(tenantsIn, tcpOf(window, OUTBOUND, 0, 0));
    const toOthers = lesser(tenantsOut, tcpOf(window, INBOUND, 0, 0));
    weigh(inbound, window, fromOthers.acknowledging, toOthers.all);
    weigh(outbound, window, toOthers.acknowledging, fromOthers.all);
    return this.#evidence.find((evidence) => isEnough(evidence, window.endMs))?.seen ?? null;
  }
}

interface TcpPackets {
  readonly acknowledging: number;
  readonly all: number;
}

/** Of the tenants of these numbers, in one direction. */
function tcpOf({ tenants }: Window, direction: number, first: number, last: number): TcpPackets {
  let acknowledging = 0;
  let all = 0;
  for (let number = first; number <= last; number++) {
    const row = (number * 2 + direction) * ROW;
    acknowledging += tenants[row + TCP_ACK] ?? 0;
    for (const kind of TCP_KINDS) all += tenants[row + kind] ?? 0;
  }
  return { acknowledging, all };
}

const lesser = (a: TcpPackets, b: TcpPackets): TcpPackets => ({
  acknowledging: Math.min(a.acknowledging, b.acknowledging),
  all: Math.min(a.all, b.all),
});

/** Begins anew as soon as more of the other direction is seen than may stray in. */
function weigh(evidence: Evidence, window: Window, acknowledging: number, against: number): void {
  evidence.acknowledging = Math.min(evidence.acknowledging + acknowledging, MOST_PACKETS);
  evidence.against += against;
  if (evidence.against > evidence.acknowledging * STRAY_SHARE || hasTurned(evidence, window)) {
    evidence.acknowledging = 0;
    evidence.against = 0;
    evidence.sinceMs = null;
  } else if (acknowledging > 0) evidence.sinceMs ??= window.startMs;
}

/** The clock was set back. */
const hasTurned = ({ sinceMs }: Evidence, { endMs }: Window): boolean => sinceMs !== null && endMs < sinceMs;

function isEnough({ acknowledging, sinceMs }: Evidence, nowMs: Milliseconds): boolean {
  return sinceMs !== null && acknowledging >= LEAST_PACKETS && nowMs - sinceMs >= LEAST_MS;
}
