/** What the flood detectors have in common: one finding for each target that receives too many packets of a kind. */
import { z } from 'zod';
import { count } from '../../config/units.ts';
import { hashAddress } from '../../metering/address.ts';
import type { Direction, Window } from '../../metering/window.ts';
import { parseAddress } from '../../tenants/prefix.ts';
import type { Detector, DetectorContext, DetectorDefinition, Finding, Json, Reading, Signature } from '../detector.ts';
import { attribute } from './attribution.ts';
import { rateSeconds, targetEvidence, trust, trustInSilence } from './evidence.ts';
import { ForgedSources } from './forgedSources.ts';
import { trafficOptions } from './options.ts';
import { SentBefore } from './sentBefore.ts';
import { burstSeconds, Target } from './target.ts';

const CRITICAL = 5;
/** The shortest time that a rate is taken over, of a usual window. */
const LEAST_BURST_SHARE = 0.4;
/** Of one packet in thousands, two that happen to be of a kind are no flood yet. */
const LEAST_SAMPLED = 8;
/** Of the threshold: less is not worth a note. */
const NOTED_SHARE = 0.1;
/** Targets with fewer packets a second are not looked at closely: then a scan is not told from a flood, nor is known who does it. */
const LEAST_CLOSELY = 512;
/** Targets that are looked at, and told of, when somebody asks; in each direction. */
const EXPLAINED_TARGETS = 64;
const EXPLAINED_READINGS = 3;

/** How a burst is told from one that is answered for later: its finding waits for the next window. */
interface Settlement {
  /** Whether the packets may still be answered for; `threshold` is as in `flooding`. */
  isOpen(target: Target, threshold: number): boolean;
  /** Packets that answer for others. */
  packets(target: Target): number;
  /** So many of these answer for one. */
  readonly ratio: number;
}

interface Found {
  readonly target: Target;
  readonly rate: number;
  readonly finding: Finding;
}

/** A finding of the window before, and what it waits for. */
interface Held {
  readonly finding: Finding;
  readonly packets: number;
  readonly settled: number;
}

export interface FloodRule {
  readonly id: string;
  readonly title: string;
  /** The kinds of packet that are counted. */
  readonly kinds: readonly number[];
  /** Default threshold. */
  readonly packetsPerSecond: number;
  /** Whether it takes for a flood what nobody answers: then it may be wrong where only one direction is seen. */
  readonly restsOnSilence: boolean;
  /** What the packets of the kind that are none of the flood's are, for a person. */
  readonly others: string;
  /** How many of the window's packets to this target are the flood's; `threshold` is the packets that a window may have. */
  flooding(target: Target, threshold: number): number;
  /** Of which sort the flood is, where there are several. */
  type?(target: Target): string;
  /** Kinds whose packets may count for so many each; those of the others for one; left out: of all for one. */
  readonly heavyKinds?: { readonly kinds: ReadonlySet<number>; readonly weight: number };
  /** What makes a burst none after all, be it in the next window; left out: nothing does. */
  readonly settles?: Settlement;
  /** The kinds of which it asks what a tenant sent in the window before; none if left out. */
  readonly looksBack?: readonly number[];
  /** How many packets each of the flood's counted for, where some sorts are less usual than others; 1 if left out. */
  weight?(target: Target): number;
}

/** Packets of the kinds of a rule. */
const countOf = ({ kinds }: FloodRule, window: Window, line: number): number =>
  kinds.reduce((sum, kind) => sum + window.targetPackets(line, kind), 0);

/** What these may come to at most, by the weights of their kinds. */
const mostOf = ({ kinds, heavyKinds }: FloodRule, window: Window, line: number): number =>
  kinds.reduce(
    (sum, kind) =>
      sum + window.targetPackets(line, kind) * (heavyKinds?.kinds.has(kind) === true ? heavyKinds.weight : 1),
    0,
  );

const configOf = (packetsPerSecond: number) =>
  z
    .strictObject({
      ...trafficOptions('reports'),
      packetsPerSecond: count(1).default(packetsPerSecond).describe('packets a second at one address'),
    })
    .prefault({});

export type FloodConfig = z.output<ReturnType<typeof configOf>>;

export function floodDefinition(rule: FloodRule): DetectorDefinition<FloodConfig> {
  const signature: Signature = {
    id: rule.id,
    detector: rule.id,
    clause: 'network.disruption',
    title: rule.title,
    unit: 'packets/s',
    // A burst that is cut in two by the end of a window has half of its packets in one of them.
    entry: { windows: 2, of: 3, atOnce: 1.5 },
    leaveBelow: 0.7,
  };
  return {
    id: rule.id,
    observes: ['packets', 'flows'],
    config: configOf(rule.packetsPerSecond),
    thresholds: [{ signature, option: 'packetsPerSecond', least: Math.min(LEAST_CLOSELY, rule.packetsPerSecond) }],
    create: (config, context) => new FloodDetector(rule, signature, config.packetsPerSecond, context),
  };
}

class FloodDetector implements Detector {
  readonly id: string;
  readonly signatures: readonly Signature[];
  readonly #rule: FloodRule;
  readonly #signature: Signature;
  readonly #threshold: number;
  readonly #context: DetectorContext;
  readonly #forged: ForgedSources;
  readonly #before: SentBefore | null;
  /** By victim; those of one window. */
  #held = new Map<string, Held>();

  constructor(rule: FloodRule, signature: Signature, threshold: number, context: DetectorContext) {
    this.id = rule.id;
    this.signatures = [signature];
    this.#rule = rule;
    this.#signature = signature;
    this.#threshold = threshold;
    this.#context = context;
    this.#forged = new ForgedSources(context);
    this.#before = rule.looksBack === undefined ? null : new SentBefore(rule.looksBack, context.tenants.length);
  }

  observe(window: Window): Finding[] {
    const found: { readonly target: Target; readonly rate: number }[] = [];
    this.#before?.turnTo(window);
    const allowed = this.#threshold * rateSeconds(window);
    const least = allowed * this.#signature.leaveBelow;
    const noted = this.#context.noteLevel === undefined ? least : allowed * NOTED_SHARE;
    for (const line of window.targets.used()) {
      // A burst is worth as much as its packets would be in the shortest time that a rate is taken over.
      if (mostOf(this.#rule, window, line) < noted * LEAST_BURST_SHARE) continue;
      const target = this.#targetAt(window, line);
      const rate = this.#rate(target);
      if (rate >= this.#threshold * this.#signature.leaveBelow) found.push({ target, rate });
      else if (rate * rateSeconds(window) >= noted) this.#noteLevel(target, rate);
    }
    return this.#settle(
      window,
      found.flatMap(({ target, rate }) => this.#findingsAt(target, rate).map((finding) => ({ target, rate, finding }))),
    );
  }

  /** Bursts wait for the next window: what is asked at the end of one is answered in another. */
  #settle(window: Window, found: readonly Found[]): Finding[] {
    const before = this.#held;
    const { settles } = this.#rule;
    if (settles === undefined) return found.map(({ finding }) => finding);
    this.#held = new Map();
    const findings: Finding[] = [];
    for (const { target, rate, finding } of found) {
      const seconds = burstSeconds(target);
      const isBurst = seconds < rateSeconds(window) && settles.isOpen(target, this.#threshold * seconds);
      if (before.delete(target.address) || !isBurst) findings.push(finding);
      else this.#held.set(target.address, { finding, packets: rate * seconds, settled: settles.packets(target) });
    }
    for (const { finding, packets, settled } of before.values())
      if (settled + this.#settledAt(window, finding, settles) < settles.ratio * packets) findings.push(finding);
    return findings;
  }

  #settledAt(window: Window, { victim }: Finding, settles: Settlement): number {
    const words = victim === null ? null : parseAddress(victim);
    const line = words === null ? -1 : window.targets.find(hashAddress(this.#context.hashSeed, ...words), ...words);
    return line < 0 ? 0 : settles.packets(this.#targetAt(window, line));
  }

  #targetAt(window: Window, line: number): Target {
    return new Target(window, line, this.#context.hashSeed, this.#before);
  }

  /** The flood's packets a second. */
  #rate(target: Target): number {
    const seconds = burstSeconds(target);
    const packets = this.#rule.flooding(target, this.#threshold * seconds);
    const { samplingInterval } = target.window;
    const least = samplingInterval === null || samplingInterval === 1 ? 0 : LEAST_SAMPLED * samplingInterval;
    return packets < least * (this.#rule.weight?.(target) ?? 1) ? 0 : packets / seconds;
  }

  #noteLevel(target: Target, rate: number): void {
    const parties = attribute(target, this.#context);
    if (parties === null) return;
    const { tenant, direction } = parties;
    this.#context.noteLevel?.(this.#signature.id, tenant, direction, Math.round(rate));
  }

  #findingsAt(target: Target, rate: number): Finding[] {
    const parties = attribute(target, this.#context);
    if (parties === null) return [];
    const { window, line } = target;
    const slot = window.targetDetail(line);
    const weight = this.#rule.weight?.(target) ?? 1;
    const finding: Finding = {
      signature: this.#signature,
      ...parties,
      severity: rate >= CRITICAL * this.#threshold ? 'critical' : 'warning',
      confidence: confidence(this.#rule.restsOnSilence ? trustInSilence(window) : trust(window), slot >= 0),
      value: Math.round(rate / weight),
      threshold: this.#threshold / weight,
      level: Math.round(rate),
      evidence: {
        ...targetEvidence(target, this.#rule.type?.(target)),
        ...(this.#forged.areAt(target) ? { hasForgedSources: true } : {}),
      },
    };
    return [slot < 0 ? finding : { ...finding, sources: window.details.sketch(slot) }];
  }

  explain(window: Window, tenant: number): Reading[] {
    return [...this.#readings('inbound', window, tenant), ...this.#readings('outbound', window, tenant)];
  }

  /** Of the busiest targets those that are nearest to the threshold. */
  #readings(direction: Direction, window: Window, tenant: number): Reading[] {
    const packetsTo = (line: number): number => countOf(this.#rule, window, line);
    const isOwn = (line: number): boolean => window.targets.tenant(line) === tenant;
    const readings = [...window.targets.used()]
      .filter((line) => (direction === 'inbound' ? isOwn(line) : !isOwn(line) && window.targetDetail(line) >= 0))
      .filter((line) => packetsTo(line) > 0)
      .toSorted((a, b) => packetsTo(b) - packetsTo(a))
      .slice(0, EXPLAINED_TARGETS)
      .flatMap((line) => this.#readingAt(this.#targetAt(window, line), tenant))
      .filter((reading) => reading.direction === direction)
      .toSorted((a, b) => (b.value ?? 0) - (a.value ?? 0))
      .slice(0, EXPLAINED_READINGS);
    const [signature, threshold] = [this.#signature, this.#threshold];
    const nothing = { signature, direction, offender: null, victim: null, value: 0, threshold, reason: null };
    return readings.length === 0 ? [nothing] : readings;
  }

  #readingAt(target: Target, tenant: number): Reading[] {
    const parties = attribute(target, this.#context);
    if (parties === null || parties.tenant !== this.#context.tenants[tenant - 1]?.id) return [];
    const { direction, offender, victim } = parties;
    const [signature, threshold] = [this.#signature, this.#threshold];
    const all = Math.round(countOf(this.#rule, target.window, target.line) / burstSeconds(target));
    const weight = this.#rule.weight?.(target) ?? 1;
    const value = Math.round(this.#rate(target) / weight);
    const reason = value < all ? `of ${all} packets/s the others ${this.#rule.others}` : null;
    return [{ signature, direction, offender, victim, value, threshold: threshold / weight, reason }];
  }

  save(): Json {
    return null;
  }

  restore(): void {}
}

/** Without a closer look nothing tells a flood from its exceptions. */
const confidence = (trusted: number, closely: boolean): number =>
  Math.round((closely ? 0.95 : 0.7) * trusted * 100) / 100;
