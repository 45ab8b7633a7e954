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
import type { Outcome } from './firstContacts.ts';
import type { ProbeType } from './probeType.ts';
import { trafficOptions } from './options.ts';
import { LEAVE_BELOW, nameOf, ScanMemory, type Suspect } from './scanMemory.ts';
import type { Scanner, Shape } from './scanner.ts';

const CRITICAL = 100;
const CONFIDENCE = 0.9;
const EXPLAINED = 4;

const config = z
  .strictObject({
    ...trafficOptions('reports'),
    contacts: count(4, 1000)
      .default(9)
      .describe('first contacts that failed, refused or met with silence, beyond those that were answered'),
  })
  .prefault({});

type Parties = Pick<Finding, 'tenant' | 'direction' | 'offender' | 'victim' | 'subject'>;

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
    leaveBelow: LEAVE_BELOW,
  };
  return {
    id: rule.id,
    observes: ['packets'],
    config,
    thresholds: [{ signature, option: 'contacts', least: 5 }],
    create: ({ contacts }, context) => new ScanDetector(rule, signature, contacts, context),
  };
}

function sharedMemory(threshold: number, context: DetectorContext): ScanMemory {
  const memory = context.scans?.get(threshold) ?? new ScanMemory(threshold, context);
  context.scans?.set(threshold, memory);
  return memory;
}

class ScanDetector implements Detector {
  readonly id: string;
  readonly signatures: readonly Signature[];
  readonly #rule: ScanRule;
  readonly #signature: Signature;
  readonly #threshold: number;
  readonly #context: DetectorContext;
  readonly #memory: ScanMemory;

  constructor(rule: ScanRule, signature: Signature, threshold: number, context: DetectorContext) {
    this.id = rule.id;
    this.signatures = [signature];
    this.#rule = rule;
    this.#signature = signature;
    this.#threshold = threshold;
    this.#context = context;
    this.#memory = sharedMemory(threshold, context);
  }

  observe(window: Window): Finding[] {
    return this.#memory
      .observe(window)
      .filter((suspect) => this.#isOwn(suspect) && this.#memory.ratio(suspect) >= LEAVE_BELOW)
      .flatMap((suspect) => this.#findings(window, suspect));
  }

  /** One scanner is named by one of the two detectors, though it may do both. */
  #isOwn({ scanner: { named }, verdict: { shape } }: Suspect): boolean {
    return (named?.shape ?? shape) === this.#rule.shape;
  }

  #findings(window: Window, suspect: Suspect): Finding[] {
    const parties = this.#partiesOf(suspect);
    if (parties === null) return [];
    const { scanner, verdict } = suspect;
    const value = Math.floor(verdict.weight.value);
    const threshold = this.#threshold * verdict.weight.times;
    return [
      {
        signature: this.#signature,
        ...parties,
        pauseMs: Math.round(scanner.pauseMs),
        severity: value >= CRITICAL * threshold ? 'critical' : 'warning',
        confidence: Math.round(CONFIDENCE * trustInSilence(window) * 100) / 100,
        value,
        threshold,
        level: Math.floor(verdict.weight.value / verdict.weight.times),
        evidence: evidenceOf(window, suspect),
      },
    ];
  }

  #partiesOf(suspect: Suspect): Parties | null {
    const { scanner, verdict } = suspect;
    const tenant = this.#context.tenants[scanner.concerned - 1];
    if (tenant === undefined) return null;
    return {
      tenant: tenant.id,
      direction: scanner.tenant === 0 ? 'inbound' : 'outbound',
      offender: formatAddress(...scanner.address),
      victim: verdict.host === null ? null : formatAddress(...verdict.host),
      subject: (scanner.named ?? nameOf(suspect)).subject,
    };
  }

  explain(window: Window, tenant: number): Reading[] {
    const id = this.#context.tenants[tenant - 1]?.id;
    const [signature, threshold] = [this.#signature, this.#threshold];
    const readings = [...this.#memory.scanners()]
      .flatMap((scanner): Reading[] => {
        if (scanner.strength < 1 || this.#context.tenants[scanner.concerned - 1]?.id !== id) return [];
        const verdict = scanner.judge(window.endMs);
        const parties = this.#partiesOf({ scanner, verdict });
        if (parties === null || !this.#isOwn({ scanner, verdict })) return [];
        const { tenant: _, ...others } = parties;
        const reason = scanner.newest(window.endMs).contacts > 0 ? null : 'it pauses, or is over';
        const { value, times } = verdict.weight;
        return [{ signature, ...others, value: Math.floor(value), threshold: threshold * times, reason }];
      })
      .toSorted((a, b) => (b.value ?? 0) / (b.threshold ?? 1) - (a.value ?? 0) / (a.threshold ?? 1))
      .slice(0, EXPLAINED);
    const nothing = { signature, direction: null, offender: null, victim: null, value: 0, threshold, reason: null };
    return readings.length === 0 ? [nothing] : readings;
  }

  save(): Json {
    return this.#memory.save();
  }

  restore(state: Json): void {
    this.#memory.restore(state);
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

function evidenceOf(window: Window, { scanner, verdict }: Suspect): Evidence {
  const { contacts, bytes } = scanner.newest(window.endMs);
  const seconds = rateSeconds(window);
  return {
    tier: tierOf(window),
    type: verdict.isBlock ? 'block' : scanner.type,
    packetsPerSecond: Math.round(contacts / seconds),
    bitsPerSecond: Math.round((bytes * 8) / seconds),
    packetsByKind: contacts === 0 ? {} : { [KINDS[scanner.type] ?? 'tcpOdd']: contacts },
    topSources: [{ address: formatAddress(...scanner.address), share: 1 }],
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
