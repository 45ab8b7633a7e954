/** What the flood detectors have in common: one finding for each target that receives too many packets of a kind. */
import { z } from 'zod';
import { count, modeField } from '../../config/units.ts';
import type { Detector, DetectorContext, DetectorDefinition, Finding, Signature } from '../detector.ts';
import { attribute } from './attribution.ts';
import { rateSeconds, targetEvidence, trust, trustInSilence } from './evidence.ts';
import { lookAt, type Target } from './target.ts';

const CRITICAL = 5;

export interface FloodRule {
  readonly id: string;
  readonly title: string;
  /** The kind of packet that is counted. */
  readonly kind: number;
  /** Default threshold. */
  readonly packetsPerSecond: number;
  /** Whether it takes for a flood what nobody answers: then it may be wrong where only one direction is seen. */
  readonly restsOnSilence: boolean;
  /** How many of the window's packets to this target are the flood's; `threshold` is the packets that a window may have. */
  flooding(target: Target, threshold: number): number;
}

const configOf = (packetsPerSecond: number) =>
  z
    .strictObject({
      mode: modeField.describe(
        '`observe` reports; `off` does not look; `enforce` is as `observe`: floods lead to no limits yet',
      ),
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
    entry: { windows: 2, of: 3, atOnce: 2 },
    leaveBelow: 0.7,
  };
  return {
    id: rule.id,
    observes: ['packets', 'flows'],
    config: configOf(rule.packetsPerSecond),
    create: (config, context) => floodDetector(rule, signature, config.packetsPerSecond, context),
  };
}

function floodDetector(rule: FloodRule, signature: Signature, threshold: number, context: DetectorContext): Detector {
  return {
    id: rule.id,
    signatures: [signature],
    observe(window) {
      const findings: Finding[] = [];
      const allowed = threshold * rateSeconds(window);
      const least = allowed * signature.leaveBelow;
      for (const line of window.targets.used()) {
        if (window.targetPackets(line, rule.kind) < least) continue;
        const target = lookAt(window, line, context.hashSeed);
        const packets = rule.flooding(target, allowed);
        if (packets >= least) findings.push(...findingsAt(rule, target, packets, signature, threshold, context));
      }
      return findings;
    },
    save: () => null,
    restore: () => undefined,
  };
}

function findingsAt(
  rule: FloodRule,
  target: Target,
  packets: number,
  signature: Signature,
  threshold: number,
  context: DetectorContext,
): Finding[] {
  const parties = attribute(target, context);
  if (parties === null) return [];
  const { window, line } = target;
  const slot = window.targetDetail(line);
  const value = packets / rateSeconds(window);
  const finding: Finding = {
    signature,
    ...parties,
    severity: value >= CRITICAL * threshold ? 'critical' : 'warning',
    confidence: confidence(rule.restsOnSilence ? trustInSilence(window) : trust(window), slot >= 0),
    value: Math.round(value),
    threshold,
    evidence: targetEvidence(target),
  };
  return [slot < 0 ? finding : { ...finding, sources: window.details.sketch(slot) }];
}

/** Without a closer look nothing tells a flood from its exceptions. */
const confidence = (trusted: number, closely: boolean): number =>
  Math.round((closely ? 0.95 : 0.7) * trusted * 100) / 100;
