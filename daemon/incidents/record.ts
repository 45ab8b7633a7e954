/** One incident's life: what it takes from every window that sees it. */
import type { Milliseconds } from '../../probes/probe.ts';
import type { Finding } from '../detectors/detector.ts';
import { type DistinctSketch, estimateDistinct, SKETCH_ERROR, uniteSketch } from '../metering/distinctSketch.ts';
import type { Sighting } from './candidates.ts';
import { firstEvidence, uniteEvidence } from './evidence.ts';
import { toRfc3339, identityOf, incidentId } from './identity.ts';
import type { Incident, IncidentEvidence } from './incident.ts';

export interface IncidentRecord {
  readonly incident: Incident;
  readonly firstSeenMs: Milliseconds;
  readonly lastSeenMs: Milliseconds;
  /** The distinct sources of all its windows; null: nobody counted them. */
  readonly sources: DistinctSketch | null;
  /** The first two that differ: more are not needed to know that they are many. */
  readonly offenders: readonly string[];
}

/** The incident that begins with this sighting. */
export function begin(observationPoint: string, { finding, startMs, endMs }: Sighting): IncidentRecord {
  const { signature, tenant, direction, severity, confidence, offender, victim, value, threshold } = finding;
  const firstSeen = toRfc3339(startMs);
  const sources = finding.sources?.slice() ?? null;
  return {
    incident: {
      id: incidentId(identityOf(finding), firstSeen),
      detector: signature.detector,
      signature: signature.id,
      clause: signature.clause,
      title: signature.title,
      tenant,
      direction,
      severity,
      confidence,
      offender,
      victim,
      value,
      peak: value,
      threshold,
      unit: signature.unit,
      firstSeen,
      lastSeen: toRfc3339(endMs),
      state: 'open',
      observationPoint,
      evidence: withSources(firstEvidence(finding.evidence), sources),
    },
    firstSeenMs: startMs,
    lastSeenMs: endMs,
    sources,
    offenders: offender === null ? [] : [offender],
  };
}

/** The incident after one more sighting; another observation point's packets are the same ones, and not added again. */
export function refresh(record: IncidentRecord, observationPoint: string, sighting: Sighting): IncidentRecord {
  const { incident } = record;
  const { finding, startMs, endMs } = sighting;
  const offenders = [...new Set([...record.offenders, ...(finding.offender === null ? [] : [finding.offender])])].slice(
    0,
    2,
  );
  const sources = unite(record.sources, finding.sources);
  const evidence =
    observationPoint === incident.observationPoint
      ? uniteEvidence(incident.evidence, finding.evidence, finding.value > incident.peak)
      : incident.evidence;
  return {
    incident: {
      ...incident,
      severity: finding.severity === 'critical' ? 'critical' : incident.severity,
      confidence: Math.max(incident.confidence, finding.confidence),
      offender: offenderOf(offenders, finding),
      // A scanner that goes on to other hosts.
      victim: finding.victim === incident.victim ? incident.victim : null,
      value: latestValue(record, sighting),
      peak: Math.max(incident.peak, finding.value),
      threshold: finding.threshold,
      lastSeen: toRfc3339(Math.max(record.lastSeenMs, endMs)),
      evidence: withSources(evidence, sources),
    },
    firstSeenMs: Math.min(record.firstSeenMs, startMs),
    lastSeenMs: Math.max(record.lastSeenMs, endMs),
    sources,
    offenders,
  };
}

/** Of windows of the same time the larger one; one that comes late tells of what was. */
function latestValue({ incident, lastSeenMs }: IncidentRecord, { finding, startMs, endMs }: Sighting): number {
  if (endMs > lastSeenMs) return finding.value;
  return startMs < lastSeenMs - (endMs - startMs) ? incident.value : Math.max(incident.value, finding.value);
}

export const close = ({ incident }: IncidentRecord): Incident => ({ ...incident, state: 'closed' });

/** Several addresses that send by turns: outbound they are the tenant's, inbound they are many. */
function offenderOf([first, second]: readonly string[], { direction, tenant }: Finding): string | null {
  if (second === undefined) return first ?? null;
  return direction === 'outbound' ? tenant : null;
}

function unite(all: DistinctSketch | null, next: DistinctSketch | undefined): DistinctSketch | null {
  if (next === undefined) return all;
  const united = next.slice();
  if (all !== null) uniteSketch(united, all);
  return united;
}

const withSources = (evidence: IncidentEvidence, sources: DistinctSketch | null): IncidentEvidence =>
  sources === null || evidence.tier === 'sample'
    ? evidence
    : { ...evidence, sources: { distinct: estimateDistinct(sources), error: Math.round(SKETCH_ERROR * 1000) / 1000 } };
