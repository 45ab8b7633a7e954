/** The evidence of traffic, where a test knows that it is no other. */
import assert from 'node:assert/strict';
import type { Evidence, Finding } from '../../daemon/detectors/detector.ts';
import type { Incident, TrafficEvidence } from '../../daemon/incidents/incident.ts';

export function trafficEvidence(of: Finding | undefined): Evidence;
export function trafficEvidence(of: Incident | undefined): TrafficEvidence;
export function trafficEvidence(of: Finding | Incident | undefined): Evidence | TrafficEvidence {
  assert(of !== undefined && of.evidence.tier !== 'sample');
  return of.evidence;
}
