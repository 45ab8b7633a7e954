/** How incidents are told to a person, the same in alerts, in the terminal and on the status page. */
import { describeSamples } from './describeSamples.ts';
import { describeTraffic } from './describeTraffic.ts';
import { formatRate, formatShare, signatureWords } from './format.ts';
import type { Incident } from './incident.ts';

/** What happens between whom: `inbound SYN flood against 192.0.2.10 (tenant acme)`. */
export function describeSubject(incident: Incident): string {
  const { tenant, victim, offender, direction, signature, evidence } = incident;
  const type = evidence.tier === 'sample' || evidence.type === undefined ? '' : ` (${evidence.type})`;
  const from = offender === null || offender === tenant ? '' : ` from ${offender}`;
  const against = victim === null || victim === tenant ? '' : ` against ${victim}`;
  const way = direction === null ? '' : `${direction} `;
  return `${way}${signatureWords(signature)}${type}${from}${against} (tenant ${tenant})`;
}

/** `52.1 kpps, 2.6 × the threshold of 20 kpps`. */
export function describeValue(incident: Incident): string {
  const { value, threshold, unit } = incident;
  const than = threshold > 0 ? `${Number((value / threshold).toPrecision(2))} × the threshold of` : 'threshold';
  return `${formatRate(value, unit)}, ${than} ${formatRate(threshold, unit)}`;
}

/** The proof, a sentence a line. */
export function describeEvidence(incident: Incident): string[] {
  const { evidence } = incident;
  return evidence.tier === 'sample' ? describeSamples(incident, evidence) : describeTraffic(incident, evidence);
}

/** Where it was seen, under which clause, and the name to ask for it by. */
export function describeOrigin(incident: Incident): string {
  const confidence = `confidence ${formatShare(incident.confidence)}`;
  return `Clause ${incident.clause}, seen at ${incident.observationPoint}, ${confidence}, incident ${incident.id}.`;
}
