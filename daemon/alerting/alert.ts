/** One incident, or notice, as an alert of Alertmanager's API v2 (api/v2/openapi.yaml there). */
import { describeEvidence, describeOrigin, describeSubject, describeValue } from '../incidents/describe.ts';
import { formatTime } from '../incidents/format.ts';
import type { Notice } from '../enforcement/notices.ts';
import type { Incident } from '../incidents/incident.ts';

/** Longer label values are cut: a label is a name, not a document. */
const MAX_LABEL_LENGTH = 128;
/** An open alert that is not renewed in this many re-sends ends by itself, as Prometheus does it. */
export const RESENDS_TO_LIVE = 4;

export interface Alert {
  /**
   * Alertmanager knows an alert by its labels, so they are fixed when the incident opens and hold no measured value. A
   * severity or offender that becomes known later is told in the annotations only.
   */
  readonly labels: Readonly<Record<string, string>>;
  readonly startsAtMs: number;
  /** The page of the incident, or of all that is open. */
  readonly generatorURL: string;
  /** Put into words when it is posted. */
  annotations: () => Readonly<Record<string, string>>;
  /** When the incident was closed, or the notice no longer held; null: it is open. */
  endedMs: number | null;
}

/** An element of the array that POST /api/v2/alerts takes; times in RFC 3339. */
export interface PostableAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly generatorURL: string;
}

/** Who tells: the name of the host that Weir runs on, and where its status page is. */
export interface Teller {
  readonly host: string;
  readonly pageUrl: string;
}

export function openAlert(incident: Incident, { host, pageUrl }: Teller): Alert {
  return {
    labels: alertLabels(incident, host),
    startsAtMs: Date.parse(incident.firstSeen),
    generatorURL: `${pageUrl}/incidents/${encodeURIComponent(incident.id)}`,
    annotations: () => alertAnnotations(incident),
    endedMs: null,
  };
}

export function openNotice({ labels, sinceMs, summary, description }: Notice, { host, pageUrl }: Teller): Alert {
  const annotations = { summary, description };
  return {
    labels: tidy({ ...labels, host }),
    startsAtMs: sinceMs,
    generatorURL: `${pageUrl}/`,
    annotations: () => annotations,
    endedMs: null,
  };
}

function alertLabels(incident: Incident, host: string): Record<string, string> {
  const labels = {
    alertname: incident.signature,
    tenant: incident.tenant,
    clause: incident.clause,
    severity: incident.severity,
    host,
    // What is not about traffic has neither.
    ...(incident.direction === null ? {} : { interface: incident.observationPoint, direction: incident.direction }),
    // One of the two: who floods a victim may become known, or many, only after the opening.
    ...(incident.victim === null ? { offender: incident.offender ?? '' } : { victim: incident.victim }),
  };
  return tidy(labels);
}

/** Alertmanager drops empty labels; they are left out so that what is posted is what it shows. */
function tidy(labels: Readonly<Record<string, string>>): Record<string, string> {
  const named = Object.entries(labels).filter(([, value]) => value !== '');
  return Object.fromEntries(named.map(([name, value]) => [name, value.slice(0, MAX_LABEL_LENGTH).toWellFormed()]));
}

/**
 * What to post at `nowMs`. An open alert ends four re-sends from now; a closed one at its close, and never in the
 * future: Alertmanager would let an earlier, later-ending post rule (alert.Merge in its alert/alert.go).
 */
export function postableAlert(alert: Alert, nowMs: number, resendMs: number): PostableAlert {
  const endsAtMs = alert.endedMs === null ? nowMs + RESENDS_TO_LIVE * resendMs : Math.min(alert.endedMs, nowMs);
  return {
    labels: alert.labels,
    annotations: alert.annotations(),
    startsAt: new Date(Math.min(alert.startsAtMs, endsAtMs)).toISOString(),
    endsAt: new Date(endsAtMs).toISOString(),
    generatorURL: alert.generatorURL,
  };
}

export function alertAnnotations(incident: Incident): Record<string, string> {
  const subject = describeSubject(incident);
  const since = `${incident.title} Since ${formatTime(incident.firstSeen)}, severity ${incident.severity}.`;
  return {
    summary: `${subject[0]?.toUpperCase() ?? ''}${subject.slice(1)}: ${describeValue(incident)}`,
    description: [
      since,
      ...describeEvidence(incident),
      describeOrigin(incident),
      `On the host: weir incident ${incident.id}`,
    ].join('\n'),
    incident: incident.id,
  };
}
