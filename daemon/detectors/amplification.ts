/** Names amplification: an address is sent the answers of services (DNS, NTP, memcached …) that it has not asked. */
import { z } from 'zod';
import { keepLatest } from './shared/keepLatest.ts';
import type { Milliseconds } from '../../probes/probe.ts';
import { count } from '../config/units.ts';
import { formatAddress } from '../metering/address.ts';
import { AMPLIFIERS } from '../metering/amplifiers.ts';
import { type PairLine, RESPONSE, UDP_CONTACT } from '../metering/pairTable.ts';
import type { Window } from '../metering/window.ts';
import type {
  Detector,
  DetectorContext,
  DetectorDefinition,
  Evidence,
  Finding,
  Json,
  Reading,
  Signature,
} from './detector.ts';
import { attribute } from './shared/attribution.ts';
import { targetEvidence, tierOf, trustInSilence } from './shared/evidence.ts';
import { trafficOptions } from './shared/options.ts';
import { datagrams, FEW_REFLECTORS, isReflected, reflectedService } from './shared/reflection.ts';
import { burstSeconds, Target } from './shared/target.ts';
import { TenantNames } from './shared/tenantNames.ts';

const signature: Signature = {
  id: 'amplification',
  detector: 'amplification',
  clause: 'network.disruption',
  title: 'One address is sent the answers of services that it has not asked.',
  unit: 'packets/s',
  // The mean over seconds is the patience.
  entry: { windows: 1, of: 1, atOnce: 1 },
  leaveBelow: 0.5,
};

const CRITICAL = 40;
/** The answers of so long are taken together: an attack by DNS may be no more than some dozens a second. */
const SPAN_MS = 4000;
const SLICES = 8;
const SLICE_MS = SPAN_MS / SLICES;
/** Who asks half as many new services as have answered unasked asks: its questions are lost, sampled away, or from before the start. */
const UNASKED_RATIO = 2;
/** Targets and services that are followed; reflectors of each that are told apart. */
const MAX_TRACKS = 128;
const MAX_REFLECTORS = 16;
const EXPLAINED = 4;

const config = z
  .strictObject({
    ...trafficOptions('reports'),
    packetsPerSecond: count(1)
      .default(25)
      .describe('answers a second at one address that it has not asked for, from ten reflectors or more'),
  })
  .prefault({});

export const amplification: DetectorDefinition<z.output<typeof config>> = {
  id: signature.id,
  observes: ['packets', 'flows'],
  config,
  thresholds: [{ signature, option: 'packetsPerSecond', least: 5 }],
  create: ({ packetsPerSecond }, context) => new AmplificationDetector(packetsPerSecond, context),
};

const slices = z.array(z.number().nonnegative()).length(SLICES);
const savedTrack = z.object({
  victim: z.string(),
  port: z.number(),
  service: z.string(),
  /** By id. */
  tenants: z.tuple([z.string(), z.string()]),
  slice: z.number().int(),
  packets: slices,
  bytes: slices,
  asked: slices.default(Array<number>(SLICES).fill(0)),
  reflectors: z.array(z.tuple([z.string(), z.object({ seenMs: z.number(), packets: z.number() })])).max(MAX_REFLECTORS),
});

/** The unasked answers of one service to one target, of the last seconds. */
interface Track {
  readonly victim: string;
  readonly port: number;
  readonly service: string;
  /** Numbers of the target's and of the first reflector's. */
  readonly tenants: readonly [target: number, reflector: number];
  /** By slice of time, modulo their number. */
  readonly packets: number[];
  readonly bytes: number[];
  /** Services of the sort that the target spoke to for the first time. */
  readonly asked: number[];
  /** By address: when it was last seen, and its packets. */
  readonly reflectors: Map<string, { seenMs: Milliseconds; packets: number }>;
  slice: number;
}

class AmplificationDetector implements Detector {
  readonly id = signature.id;
  readonly signatures = [signature];
  readonly #threshold: number;
  readonly #context: DetectorContext;
  readonly #names: TenantNames;
  /** By target and service, the one that was last seen longest ago first. */
  readonly #tracks = new Map<string, Track>();

  constructor(threshold: number, context: DetectorContext) {
    this.#threshold = threshold;
    this.#context = context;
    this.#names = new TenantNames(context);
  }

  observe(window: Window): Finding[] {
    this.#turn(window);
    const busy = this.#busy(window);
    const told = new Set(busy.map(({ victim }) => victim));
    return [...busy, ...this.#thin(window).filter(({ victim }) => !told.has(victim))];
  }

  /** Of targets that are looked at closely: the window's own rates. */
  #busy(window: Window): Finding[] {
    const findings: Finding[] = [];
    for (const line of window.targets.used()) {
      if (window.targetDetail(line) < 0) continue;
      const target = new Target(window, line, this.#context.hashSeed);
      const value = datagrams(target) / burstSeconds(target);
      if (value < this.#threshold * signature.leaveBelow || !isReflected(target)) continue;
      const parties = attribute(target, this.#context);
      if (parties === null) continue;
      const evidence = targetEvidence(target, reflectedService(target) ?? undefined);
      const sources = window.details.sketch(window.targetDetail(line));
      const offender = target.distinctSources === 1 ? parties.offender : null;
      findings.push({ ...this.#finding(window, value, evidence), ...parties, offender, sources });
    }
    return findings;
  }

  /** Of all targets: the means of the last seconds, by pairs of addresses. */
  #thin(window: Window): Finding[] {
    return [...this.#tracks.values()].flatMap((track) => {
      const value = rateOf(track);
      const isThem = isUnasked(track) && value >= this.#threshold * signature.leaveBelow;
      const tenant = this.#tenantOf(track);
      if (!isThem || tenant === null) return [];
      return [{ ...this.#finding(window, value, evidenceOf(window, track)), ...tenant, ...ends(track) }];
    });
  }

  #finding(
    window: Window,
    value: number,
    evidence: Evidence,
  ): Omit<Finding, 'tenant' | 'direction' | 'offender' | 'victim'> {
    return {
      signature,
      severity: value >= CRITICAL * this.#threshold ? 'critical' : 'warning',
      confidence: Math.round(0.95 * trustInSilence(window) * 100) / 100,
      value: Math.round(value),
      threshold: this.#threshold,
      evidence,
    };
  }

  /** Whose it is: the target's tenant, or that of the services which are misused. */
  #tenantOf({ tenants }: Track): Pick<Finding, 'tenant' | 'direction'> | null {
    const [victim, reflector] = tenants.map((number) => this.#context.tenants[number - 1]);
    if (victim !== undefined) return { tenant: victim.id, direction: 'inbound' };
    return reflector === undefined ? null : { tenant: reflector.id, direction: 'outbound' };
  }

  /** Takes the window's unasked answers into the tracks, and forgets what is older. */
  #turn(window: Window): void {
    const slice = Math.floor(window.startMs / SLICE_MS);
    for (const line of window.pairs.lines()) if (line.sighting === RESPONSE) this.#take(line, slice, window.startMs);
    this.#countAsked(window, slice);
    for (const [key, track] of this.#tracks) {
      advance(track, slice);
      for (const [address, { seenMs }] of track.reflectors)
        if (Math.abs(window.startMs - seenMs) > SPAN_MS) track.reflectors.delete(address);
      if (track.reflectors.size === 0) this.#tracks.delete(key);
    }
  }

  /** Of targets that are followed: most hosts ask somebody. */
  #countAsked(window: Window, slice: number): void {
    if (this.#tracks.size === 0) return;
    for (const line of window.pairs.lines()) {
      const service = line.sighting === UDP_CONTACT ? AMPLIFIERS.get(line.port) : undefined;
      const track = service && this.#tracks.get(`${formatAddress(...line.initiator)} ${service}`);
      if (!track) continue;
      advance(track, slice);
      track.asked[slice % SLICES]! += 1;
    }
  }

  #take(line: PairLine, slice: number, nowMs: Milliseconds): void {
    const service = AMPLIFIERS.get(line.port);
    if (service === undefined) return;
    const key = `${formatAddress(...line.responder)} ${service}`;
    const track = this.#tracks.get(key) ?? begin(line, service, slice);
    keepLatest(this.#tracks, key, track, MAX_TRACKS);
    advance(track, slice);
    track.packets[slice % SLICES]! += line.packets;
    track.bytes[slice % SLICES]! += line.bytes;
    const address = formatAddress(...line.initiator);
    const known = track.reflectors.get(address);
    if (known !== undefined) Object.assign(known, { seenMs: nowMs, packets: known.packets + line.packets });
    else if (track.reflectors.size < MAX_REFLECTORS)
      track.reflectors.set(address, { seenMs: nowMs, packets: line.packets });
  }

  explain(window: Window, tenant: number): Reading[] {
    const id = this.#context.tenants[tenant - 1]?.id;
    const busy = this.#busy(window).filter((finding) => finding.tenant === id);
    const threshold = this.#threshold;
    const told = new Set(busy.map(({ victim }) => victim));
    const thin = [...this.#tracks.values()]
      .filter((track) => this.#tenantOf(track)?.tenant === id && !told.has(ends(track).victim))
      .map((track): Reading => {
        const few = track.reflectors.size < FEW_REFLECTORS;
        const asks = isUnasked(track) ? null : 'it asks about as many of them';
        const reason = few ? `${track.reflectors.size} reflectors are no attack yet: ${FEW_REFLECTORS} are` : asks;
        const { direction = null } = this.#tenantOf(track) ?? {};
        return { signature, direction, ...ends(track), value: Math.round(rateOf(track)), threshold, reason };
      });
    const readings = [...busy.map((finding): Reading => ({ ...finding, reason: null })), ...thin]
      .map(({ direction, offender, victim, value, reason }) => ({
        signature,
        direction,
        offender,
        victim,
        value,
        threshold,
        reason,
      }))
      .toSorted((a, b) => (b.value ?? 0) - (a.value ?? 0))
      .slice(0, EXPLAINED);
    const nothing = { signature, direction: null, offender: null, victim: null, value: 0, threshold, reason: null };
    return readings.length === 0 ? [nothing] : readings;
  }

  save(): Json {
    return [...this.#tracks].map(([key, track]) => [
      key,
      {
        ...track,
        tenants: track.tenants.map((number) => this.#names.idOf(number)),
        reflectors: [...track.reflectors],
      },
    ]);
  }

  restore(state: Json): void {
    const saved =
      z
        .array(z.tuple([z.string(), savedTrack]))
        .max(MAX_TRACKS)
        .safeParse(state).data ?? [];
    for (const [key, { tenants, reflectors, ...track }] of saved)
      this.#tracks.set(key, {
        ...track,
        tenants: [this.#names.numberOf(tenants[0]), this.#names.numberOf(tenants[1])],
        reflectors: new Map(reflectors),
      });
  }
}

const begin = (line: PairLine, service: string, slice: number): Track => ({
  victim: formatAddress(...line.responder),
  port: line.port,
  service,
  tenants: [line.responderTenant, line.initiatorTenant],
  packets: Array<number>(SLICES).fill(0),
  bytes: Array<number>(SLICES).fill(0),
  asked: Array<number>(SLICES).fill(0),
  reflectors: new Map(),
  slice,
});

/** Empties the slices that have passed; a clock that was set back by more than the span begins anew. */
function advance(track: Track, slice: number): void {
  const passed = Math.abs(slice - track.slice) >= SLICES ? SLICES : Math.max(slice - track.slice, 0);
  for (let i = 0; i < passed; i++)
    for (const counts of [track.packets, track.bytes, track.asked]) counts[(slice - i) % SLICES] = 0;
  if (passed > 0) track.slice = slice;
}

const sumOf = (counts: readonly number[]): number => counts.reduce((sum, each) => sum + each, 0);
const rateOf = ({ packets }: Track): number => sumOf(packets) / (SPAN_MS / 1000);

const isUnasked = ({ reflectors, packets, asked }: Track): boolean =>
  reflectors.size >= FEW_REFLECTORS && sumOf(packets) >= sumOf(asked) * UNASKED_RATIO;

function ends({ victim, reflectors }: Track): Pick<Finding, 'victim' | 'offender'> {
  const [only] = reflectors.keys();
  return { victim, offender: reflectors.size === 1 ? (only ?? null) : null };
}

function evidenceOf(window: Window, { port, service, packets, bytes, reflectors }: Track): Evidence {
  const all = [...reflectors.values()].reduce((sum, each) => sum + each.packets, 0);
  return {
    tier: tierOf(window),
    type: service,
    packetsPerSecond: Math.round(sumOf(packets) / (SPAN_MS / 1000)),
    bitsPerSecond: Math.round((sumOf(bytes) * 8) / (SPAN_MS / 1000)),
    packetsByKind: { udp: Math.round(sumOf(packets) / SLICES) },
    topSources: [...reflectors]
      .map(([address, each]) => ({ address, share: each.packets / all }))
      .toSorted((a, b) => b.share - a.share),
    topPorts: [],
    topSourcePorts: [{ port, share: 1 }],
  };
}
