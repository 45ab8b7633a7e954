/** What the detectors have in common that go by what pairs of addresses showed (window.pairs), added up over a minute. */
import { z } from 'zod';
import { keepLatest } from './keepLatest.ts';
import { formatAddress } from '../../metering/address.ts';
import type { PairLine } from '../../metering/pairTable.ts';
import type { Direction, Window } from '../../metering/window.ts';
import type { Detector, DetectorContext, Evidence, Finding, Json, Reading, Signature } from '../detector.ts';
import { rateSeconds, tierOf, trust } from './evidence.ts';
import { RecentSum, savedRecentSum } from './recentSum.ts';
import { TenantNames } from './tenantNames.ts';

/** Subjects that are followed; their peers that are told apart. */
const MAX_TRACKS = 128;
const MAX_PEERS = 16;
const CRITICAL = 100;
const DOMINANT_SHARE = 0.8;
const EXPLAINED = 6;

/** By type, the packets of a minute. */
export type PacketsByType = ReadonlyMap<string, number>;

export interface PairRule {
  readonly signature: Signature;
  readonly threshold: number;
  /** Of what type a line is evidence; null: of none. */
  typeOf(line: PairLine, window: Window): string | null;
  /** What they amount to, beside the threshold: a packet that nobody sends by mistake is 1. */
  value(packets: PacketsByType): number;
  /** Addresses to which packets of some types prove nothing, those of the last minute with them; asked before anything else of a window. */
  excused?(window: Window): readonly string[];
  readonly excusedTypes?: readonly string[];
  /** Lines that are evidence beside the window's own. */
  more?(window: Window): readonly PairLine[];
  /** What it learns for longer than a minute, and how it is kept over a restart. */
  readonly memory?: { save(): Json; restore(state: Json): void };
  /** How sure one of them makes that it was done on purpose; null: it is no evidence by itself. */
  confidence(type: string): number | null;
}

/** One address of a tenant that is sent it, or sends it. */
interface Track {
  /** The address; at a tenant's own port, whose sources are not its own, the tenant's id. */
  readonly subject: string;
  readonly tenant: number;
  readonly direction: Direction;
  readonly packets: RecentSum;
  /** Packets by type. */
  readonly types: Map<string, RecentSum>;
  /** Those of the window that was seen last, and their bytes: an incident adds windows up. */
  readonly latest: { startMs: number; bytes: number; readonly types: Map<string, number> };
  /** The other ends. */
  readonly peers: Map<string, RecentSum>;
}

export class PairDetector implements Detector {
  readonly id: string;
  readonly signatures: readonly Signature[];
  readonly #rule: PairRule;
  readonly #context: DetectorContext;
  readonly #names: TenantNames;
  /** The one that was seen longest ago first. */
  readonly #tracks = new Map<string, Track>();

  constructor(rule: PairRule, context: DetectorContext) {
    this.id = rule.signature.detector;
    this.signatures = [rule.signature];
    this.#rule = rule;
    this.#context = context;
    this.#names = new TenantNames(context);
  }

  observe(window: Window): Finding[] {
    const excused = this.#rule.excused?.(window) ?? [];
    for (const address of excused)
      for (const type of this.#rule.excusedTypes ?? []) this.#tracks.get(`inbound ${address}`)?.types.delete(type);
    for (const line of [...window.pairs.lines(), ...(this.#rule.more?.(window) ?? [])]) {
      const type = this.#rule.typeOf(line, window);
      if (type !== null) this.#take(line, type, window.startMs);
    }
    const findings: Finding[] = [];
    for (const [key, track] of this.#tracks) {
      if (track.packets.sum(window.startMs) === 0) this.#tracks.delete(key);
      else if (this.#valueOf(track, window.startMs) >= this.#rule.threshold * this.#rule.signature.leaveBelow)
        findings.push(...this.#finding(window, track));
    }
    return findings;
  }

  #valueOf({ types }: Track, nowMs: number): number {
    const packets = new Map([...types].map(([type, sum]) => [type, sum.sum(nowMs)]));
    return Math.round(this.#rule.value(packets) * 100) / 100;
  }

  /** The one that it is about: the tenant that is sent it, else the tenant that sends it, be it by the port that it comes through. */
  #subjectOf(line: PairLine): Pick<Track, 'subject' | 'tenant' | 'direction'> | null {
    const { initiatorTenant, responderTenant } = line;
    const { portTenant, tenants } = this.#context;
    const isForeign = portTenant > 0 && initiatorTenant !== portTenant && responderTenant !== portTenant;
    if (isForeign) return { subject: tenants[portTenant - 1]?.id ?? '', tenant: portTenant, direction: 'outbound' };
    if (responderTenant > 0)
      return { subject: formatAddress(...line.responder), tenant: responderTenant, direction: 'inbound' };
    if (initiatorTenant === 0) return null;
    return { subject: formatAddress(...line.initiator), tenant: initiatorTenant, direction: 'outbound' };
  }

  #take(line: PairLine, type: string, nowMs: number): void {
    const subject = this.#subjectOf(line);
    if (subject === null || this.#context.tenants[subject.tenant - 1] === undefined) return;
    const key = `${subject.direction} ${subject.subject}`;
    const track = this.#tracks.get(key) ?? begin(subject);
    keepLatest(this.#tracks, key, track, MAX_TRACKS);
    track.packets.add(nowMs, line.packets);
    const { latest } = track;
    if (latest.startMs !== nowMs) {
      Object.assign(latest, { startMs: nowMs, bytes: 0 });
      latest.types.clear();
    }
    latest.bytes += line.bytes;
    latest.types.set(type, (latest.types.get(type) ?? 0) + line.packets);
    const ofType = track.types.get(type) ?? new RecentSum();
    ofType.add(nowMs, line.packets);
    track.types.set(type, ofType);
    const peer = formatAddress(...(subject.direction === 'inbound' ? line.initiator : line.responder));
    const packets = track.peers.get(peer) ?? new RecentSum();
    if (track.peers.size < MAX_PEERS || track.peers.has(peer)) track.peers.set(peer, packets);
    packets.add(nowMs, line.packets);
  }

  #finding(window: Window, track: Track): Finding[] {
    const tenant = this.#context.tenants[track.tenant - 1];
    if (tenant === undefined) return [];
    const { signature, threshold } = this.#rule;
    const value = this.#valueOf(track, window.startMs);
    return [
      {
        signature,
        tenant: tenant.id,
        direction: track.direction,
        ...parties(track, window.startMs),
        severity: value >= CRITICAL * threshold ? 'critical' : 'warning',
        confidence: Math.round(this.#confidence(track, window.startMs) * trust(window) * 100) / 100,
        value,
        threshold,
        evidence: this.#evidence(window, track),
      },
    ];
  }

  #confidence({ types }: Track, nowMs: number): number {
    return Math.max(...shares(types, nowMs).map(({ key }) => this.#rule.confidence(key) ?? 0), 0);
  }

  #evidence(window: Window, track: Track): Evidence {
    const nowMs = window.startMs;
    const first = shares(track.types, nowMs).find(({ key }) => this.#rule.confidence(key) !== null);
    const seconds = rateSeconds(window);
    const isNow = track.latest.startMs === nowMs;
    const bytes = isNow ? track.latest.bytes : 0;
    const latest = isNow ? [...track.latest.types].filter(([type]) => this.#rule.confidence(type) !== null) : [];
    const packets = latest.reduce((sum, [, each]) => sum + each, 0);
    const peers = shares(track.peers, nowMs).map(({ key, share }) => ({ address: key, share }));
    return {
      tier: tierOf(window),
      ...(first === undefined ? {} : { type: first.key }),
      packetsPerSecond: packets / seconds,
      bitsPerSecond: (bytes * 8) / seconds,
      packetsByKind: Object.fromEntries(latest),
      topSources: track.direction === 'inbound' ? peers : [{ address: track.subject, share: 1 }],
      topPorts: [],
    };
  }

  explain(window: Window, tenant: number): Reading[] {
    const { signature, threshold } = this.#rule;
    const readings = [...this.#tracks.values()]
      .filter((track) => track.tenant === tenant)
      .map((track): Reading => {
        const value = this.#valueOf(track, window.startMs);
        const { direction } = track;
        return { signature, direction, ...parties(track, window.startMs), value, threshold, reason: null };
      })
      .toSorted((a, b) => (b.value ?? 0) - (a.value ?? 0))
      .slice(0, EXPLAINED);
    const nothing = { signature, direction: null, offender: null, victim: null, value: 0, threshold, reason: null };
    return readings.length === 0 ? [nothing] : readings;
  }

  save(): Json {
    const { memory } = this.#rule;
    return memory === undefined ? this.#saveTracks() : { tracks: this.#saveTracks(), memory: memory.save() };
  }

  #saveTracks(): Json[] {
    return [...this.#tracks].map(([key, track]) => [
      key,
      {
        subject: track.subject,
        tenant: this.#names.idOf(track.tenant),
        direction: track.direction,
        packets: { ...track.packets.save() },
        types: [...track.types].map(([type, packets]) => [type, { ...packets.save() }]),
        peers: [...track.peers].map(([peer, packets]) => [peer, { ...packets.save() }]),
      },
    ]);
  }

  restore(state: Json): void {
    const { data } = savedWithMemory.safeParse(state);
    if (data !== undefined) this.#rule.memory?.restore(data.memory);
    this.#restoreTracks(data === undefined ? state : data.tracks);
  }

  #restoreTracks(state: Json): void {
    for (const [key, { tenant: id, ...track }] of savedTracks.safeParse(state).data ?? []) {
      const tenant = this.#names.numberOf(id);
      if (tenant === 0) continue;
      this.#tracks.set(key, {
        ...begin({ ...track, tenant }),
        packets: new RecentSum(track.packets),
        types: new Map(track.types.map(([type, packets]) => [type, new RecentSum(packets)])),
        peers: new Map(track.peers.map(([peer, packets]) => [peer, new RecentSum(packets)])),
      });
    }
  }
}

const savedWithMemory = z.object({ tracks: z.json(), memory: z.json() });

const savedTracks = z
  .array(
    z.tuple([
      z.string(),
      z.object({
        subject: z.string(),
        tenant: z.string(),
        direction: z.enum(['inbound', 'outbound']),
        packets: savedRecentSum,
        types: z.array(z.tuple([z.string(), savedRecentSum])).max(64),
        peers: z.array(z.tuple([z.string(), savedRecentSum])).max(MAX_PEERS),
      }),
    ]),
  )
  .max(MAX_TRACKS);

const begin = (subject: Pick<Track, 'subject' | 'tenant' | 'direction'>): Track => ({
  ...subject,
  packets: new RecentSum(),
  types: new Map(),
  latest: { startMs: -1, bytes: 0, types: new Map() },
  peers: new Map(),
});

/** The largest first, with their shares; those that have passed are nobody. */
function shares<Key>(
  entries: Iterable<readonly [Key, RecentSum]>,
  nowMs: number,
): { key: Key; packets: number; share: number }[] {
  const all = [...entries].map(([key, sum]) => ({ key, packets: sum.sum(nowMs) })).filter(({ packets }) => packets > 0);
  const total = all.reduce((sum, { packets }) => sum + packets, 0);
  return all.map((each) => ({ ...each, share: each.packets / total })).toSorted((a, b) => b.packets - a.packets);
}

function parties({ subject, direction, peers }: Track, nowMs: number): Pick<Finding, 'offender' | 'victim'> {
  const [first] = shares(peers, nowMs);
  const dominant = first !== undefined && first.share >= DOMINANT_SHARE ? first.key : null;
  // The victim of what a tenant sends to many may change from minute to minute; the incident stays the offender's.
  return direction === 'inbound' ? { offender: dominant, victim: subject } : { offender: subject, victim: null };
}
