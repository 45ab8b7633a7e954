/** What the detectors of scans have in common: of one scanner, one finding, by the shape of what it does. */
import { z } from 'zod';
import type { Milliseconds } from '../../../probes/probe.ts';
import { count } from '../../config/units.ts';
import { formatAddress } from '../../metering/address.ts';
import type { Window } from '../../metering/window.ts';
import type {
  ContactCounts,
  Detector,
  DetectorContext,
  DetectorDefinition,
  Evidence,
  Finding,
  Json,
  Reading,
  Signature,
} from '../detector.ts';
import { rateSeconds, tierOf, trustInSilence } from './evidence.ts';
import { FirstContacts, type Outcome, type ProbeType } from './firstContacts.ts';
import { trafficOptions } from './options.ts';
import { Scanners } from './scanners.ts';
import type { Scanner, Shape, Verdict } from './scanner.ts';

const CRITICAL = 100;
const CONFIDENCE = 0.9;
const EXPLAINED = 4;

const config = z
  .strictObject({
    ...trafficOptions('`observe` reports; `off` does not look; `enforce` is as `observe`: scans lead to no limits yet'),
    contacts: count(4, 1000)
      .default(9)
      .describe('first contacts that failed, refused or met with silence, beyond those that were answered'),
  })
  .prefault({});

/** With fewer each is named for itself. */
const LEAST_MANY = 3;

interface Suspect {
  readonly scanner: Scanner;
  readonly verdict: Verdict;
}

type Parties = Pick<Finding, 'tenant' | 'direction' | 'offender' | 'victim'>;

export interface ScanRule {
  readonly id: string;
  readonly title: string;
  readonly shape: Shape;
}

export function scanDefinition(rule: ScanRule): DetectorDefinition<z.output<typeof config>> {
  const signature: Signature = {
    id: rule.id,
    detector: rule.id,
    clause: 'network.snooping',
    title: rule.title,
    unit: 'contacts',
    // The contacts are the patience.
    entry: { windows: 1, of: 1, atOnce: 1 },
    leaveBelow: 0.7,
  };
  return {
    id: rule.id,
    observes: ['packets'],
    config,
    thresholds: [{ signature, option: 'contacts', least: 5 }],
    create: ({ contacts }, context) => new ScanDetector(rule, signature, contacts, context),
  };
}

class ScanDetector implements Detector {
  readonly id: string;
  readonly signatures: readonly Signature[];
  readonly #rule: ScanRule;
  readonly #signature: Signature;
  readonly #threshold: number;
  readonly #context: DetectorContext;
  readonly #contacts: FirstContacts;
  readonly #scanners: Scanners;

  constructor(rule: ScanRule, signature: Signature, threshold: number, context: DetectorContext) {
    this.id = rule.id;
    this.signatures = [signature];
    this.#rule = rule;
    this.#signature = signature;
    this.#threshold = threshold;
    this.#context = context;
    this.#contacts = new FirstContacts(context);
    this.#scanners = new Scanners(context);
  }

  observe(window: Window): Finding[] {
    const nowMs = window.endMs;
    this.#scanners.observe(this.#contacts.observe(window), nowMs);
    const suspects = this.#judged(nowMs);
    for (const suspect of suspects) if (this.#ratio(suspect.verdict) >= 1) this.#name(suspect, suspects, nowMs);
    const own = suspects.filter((suspect) => this.#isOwn(suspect));
    const many = Map.groupBy(own, ({ scanner, verdict }) =>
      scanner.named?.isOneOfMany === true ? String(verdict.host) : null,
    );
    const alone = many.get(null) ?? [];
    many.delete(null);
    return [...alone.map((each) => [each]), ...many.values()].flatMap((each) => this.#findings(window, each));
  }

  /** Those that are at it, and come near the threshold. */
  #judged(nowMs: Milliseconds): Suspect[] {
    const { leaveBelow } = this.#signature;
    return this.#scanners.suspects(this.#threshold * leaveBelow).flatMap((scanner): Suspect[] => {
      if (!scanner.isActive(nowMs)) return [];
      const verdict = scanner.judge(nowMs);
      return this.#ratio(verdict) >= leaveBelow ? [{ scanner, verdict }] : [];
    });
  }

  /** Alone, or with those that scan the same host at the same time, such as the decoys of nmap -D. */
  #name({ scanner, verdict }: Suspect, suspects: readonly Suspect[], nowMs: Milliseconds): void {
    if (scanner.named !== null) return;
    const { host, shape } = verdict;
    const companions = suspects.filter(
      (other) =>
        (other.scanner.named?.isOneOfMany ?? true) &&
        host !== null &&
        String(other.verdict.host) === String(host) &&
        other.scanner.isWith(scanner, nowMs),
    );
    const isOneOfMany = companions.length >= LEAST_MANY;
    const named = isOneOfMany ? companions.map((each) => each.scanner) : [scanner];
    const tenant = scanner.concerned;
    for (const each of named) each.named ??= { shape, tenant, isOneOfMany };
  }

  #ratio({ weight }: Verdict): number {
    return weight.value / (this.#threshold * weight.times);
  }

  /** One scanner is named by one of the two detectors, though it may do both. */
  #isOwn({ scanner: { named }, verdict: { shape } }: Suspect): boolean {
    return (named?.shape ?? shape) === this.#rule.shape;
  }

  /** Of one scanner, or of many that are one. */
  #findings(window: Window, suspects: readonly Suspect[]): Finding[] {
    const [most] = suspects.toSorted((a, b) => this.#ratio(b.verdict) - this.#ratio(a.verdict));
    const parties = most === undefined ? null : this.#partiesOf(most);
    if (most === undefined || parties === null) return [];
    const value = Math.round(most.verdict.weight.value);
    const threshold = this.#threshold * most.verdict.weight.times;
    return [
      {
        signature: this.#signature,
        ...parties,
        severity: value >= CRITICAL * threshold ? 'critical' : 'warning',
        confidence: Math.round(CONFIDENCE * trustInSilence(window) * 100) / 100,
        value,
        threshold,
        level: Math.round(most.verdict.weight.value / most.verdict.weight.times),
        evidence: evidenceOf(window, most, suspects),
      },
    ];
  }

  #partiesOf({ scanner, verdict: { host } }: Suspect): Parties | null {
    const tenant = this.#context.tenants[scanner.concerned - 1];
    if (tenant === undefined) return null;
    return {
      tenant: tenant.id,
      direction: scanner.tenant === 0 ? 'inbound' : 'outbound',
      // Of decoys nobody can tell who of them it is.
      offender: scanner.named?.isOneOfMany === true ? null : formatAddress(...scanner.address),
      victim: host === null ? null : formatAddress(...host),
    };
  }

  explain(window: Window, tenant: number): Reading[] {
    const id = this.#context.tenants[tenant - 1]?.id;
    const [signature, threshold] = [this.#signature, this.#threshold];
    const readings = this.#scanners
      .suspects(1)
      .flatMap((scanner): Reading[] => {
        const verdict = scanner.judge(window.endMs);
        const parties = this.#partiesOf({ scanner, verdict });
        if (parties === null || parties.tenant !== id || !this.#isOwn({ scanner, verdict })) return [];
        const { direction, offender, victim } = parties;
        const reason = scanner.isActive(window.endMs) ? null : 'it has stopped';
        const { value, times } = verdict.weight;
        const passing = { value: Math.round(value), threshold: threshold * times };
        return [{ signature, direction, offender, victim, ...passing, reason }];
      })
      .toSorted((a, b) => (b.value ?? 0) / (b.threshold ?? 1) - (a.value ?? 0) / (a.threshold ?? 1))
      .slice(0, EXPLAINED);
    const nothing = { signature, direction: null, offender: null, victim: null, value: 0, threshold, reason: null };
    return readings.length === 0 ? [nothing] : readings;
  }

  save(): Json {
    return this.#scanners.save();
  }

  restore(state: Json): void {
    this.#scanners.restore(state);
  }
}

/** As packets of these types are called elsewhere. */
const KINDS: Readonly<Partial<Record<ProbeType, string>>> = {
  syn: 'tcpSyn',
  connect: 'tcpSyn',
  ack: 'tcpAck',
  udp: 'udp',
  icmp: 'icmp',
  protocol: 'other',
  arp: 'arp',
};

function evidenceOf(window: Window, { scanner, verdict }: Suspect, all: readonly Suspect[]): Evidence {
  const newest = all.map((each) => each.scanner.newest(window.endMs));
  const contacts = newest.reduce((sum, each) => sum + each.contacts, 0);
  const bytes = newest.reduce((sum, each) => sum + each.bytes, 0);
  const seconds = rateSeconds(window);
  return {
    tier: tierOf(window),
    type: verdict.isBlock ? 'block' : scanner.type,
    packetsPerSecond: Math.round(contacts / seconds),
    bitsPerSecond: Math.round((bytes * 8) / seconds),
    packetsByKind: contacts === 0 ? {} : { [KINDS[scanner.type] ?? 'tcpOdd']: contacts },
    topSources: all.map((each) => ({ address: formatAddress(...each.scanner.address), share: 1 / all.length })),
    topPorts: scanner.topPorts(),
    distinctPorts: scanner.ports(window.endMs),
    contacts: countsOf(scanner, window.endMs),
  };
}

function countsOf(scanner: Scanner, nowMs: Milliseconds): ContactCounts {
  const outcome = (name: Outcome): number => Math.round(scanner.outcomes.get(name) ?? 0);
  return {
    hosts: scanner.hosts(nowMs),
    answered: outcome('answered'),
    refused: outcome('refused'),
    silent: outcome('silent'),
    unknown: outcome('unknown'),
  };
}
