/** How numbers and incidents are told to a person, the same in alerts, in the terminal and on the status page. */
import type { Unit } from '../detectors/detector.ts';
import type { Incident } from './incident.ts';

const SCALES = ['', 'k', 'M', 'G', 'T', 'P'] as const;
const UNIT_NAMES: Readonly<Record<Unit, string>> = { 'packets/s': 'pps', 'bit/s': 'bit/s' };
const ACRONYMS: ReadonlySet<string> = new Set([
  'arp',
  'dns',
  'icmp',
  'ip',
  'ntp',
  'rst',
  'sip',
  'smtp',
  'syn',
  'tcp',
  'udp',
]);

/** Three significant digits with a decimal prefix: `52.1 kpps`, `95 Mbit/s`, `7.2 MB`, `1.2 M`. */
export function formatQuantity(value: number, unit: string): string {
  let scaled = value;
  let scale = 0;
  while (Math.abs(scaled) >= 999.5 && scale < SCALES.length - 1) {
    scaled /= 1000;
    scale += 1;
  }
  const digits = scale === 0 && Number.isInteger(scaled) ? String(scaled) : String(Number(scaled.toPrecision(3)));
  return `${digits} ${SCALES[scale] ?? ''}${unit}`.trimEnd();
}

export function formatRate(value: number, unit: Unit): string {
  return formatQuantity(value, UNIT_NAMES[unit]);
}

/** A share of 0 … 1 as `12 %`, and never as 0 % or 100 % what is not quite that. */
export function formatShare(share: number): string {
  const percent = share * 100;
  if (percent > 0 && percent < 1) return '< 1 %';
  if (percent > 99 && percent < 100) return '> 99 %';
  return `${Math.round(percent)} %`;
}

/** RFC 3339 to the second, as people write it: `2026-03-01 10:00:12 UTC`. */
export function formatTime(rfc3339: string): string {
  return `${rfc3339.slice(0, 10)} ${rfc3339.slice(11, 19)} UTC`;
}

/** A signature's id in words: `synFlood` is `SYN flood`. */
export function signatureWords(signature: string): string {
  const words = signature.split(/(?=[A-Z])/).map((word) => word.toLowerCase());
  return words.map((word) => (ACRONYMS.has(word) ? word.toUpperCase() : word)).join(' ');
}

/** What happens between whom: `inbound SYN flood against 192.0.2.10 (tenant acme)`. */
export function describeSubject(incident: Incident): string {
  const { tenant, victim, offender } = incident;
  const from = offender === null || offender === tenant ? '' : ` from ${offender}`;
  const against = victim === null || victim === tenant ? '' : ` against ${victim}`;
  return `${incident.direction} ${signatureWords(incident.signature)}${from}${against} (tenant ${tenant})`;
}

/** `52.1 kpps, 2.6 × the threshold of 20 kpps`. */
export function describeValue(incident: Incident): string {
  const { value, threshold, unit } = incident;
  const than = threshold > 0 ? `${Number((value / threshold).toPrecision(2))} × the threshold of` : 'threshold';
  return `${formatRate(value, unit)}, ${than} ${formatRate(threshold, unit)}`;
}

/** The proof, a sentence a line; what is not known is left out. */
export function describeEvidence(incident: Incident): string[] {
  const { evidence, unit } = incident;
  const other: Unit = unit === 'bit/s' ? 'packets/s' : 'bit/s';
  const otherRate = unit === 'bit/s' ? evidence.packetsPerSecond : evidence.bitsPerSecond;
  const volume = `${formatQuantity(evidence.packets, '')} packets, ${formatQuantity(evidence.bytes, 'B')} in all`;
  const peak = `Peak ${formatRate(incident.peak, unit)} (${formatRate(otherRate, other)})`;
  const lines = [
    `${peak}, last ${formatRate(incident.value, unit)}, threshold ${formatRate(incident.threshold, unit)}; ${volume}.`,
    describeSources(incident),
    list('Ports', evidence.topPorts, ({ port }) => String(port), portCount(evidence.distinctPorts)),
    list('Packets', kindShares(evidence.packetsByKind), ({ kind }) => kind, ''),
  ];
  return lines.filter((line) => line !== '');
}

/** Where it was seen, under which clause, and the name to ask for it by. */
export function describeOrigin(incident: Incident): string {
  const confidence = `confidence ${formatShare(incident.confidence)}`;
  return `Clause ${incident.clause}, seen at ${incident.observationPoint}, ${confidence}, incident ${incident.id}.`;
}

function describeSources(incident: Incident): string {
  const { sources, topSources } = incident.evidence;
  const about =
    sources === undefined ? '' : `about ${formatQuantity(sources.distinct, '')} ± ${formatShare(sources.error)}`;
  return list('Sources', topSources, ({ address }) => address, about);
}

const portCount = (distinct: number | undefined): string => (distinct === undefined ? '' : `about ${distinct}`);

/** At most five of a list with their shares; an empty one says nothing. */
function list<T extends { readonly share: number }>(
  title: string,
  items: readonly T[],
  name: (item: T) => string,
  lead: string,
): string {
  const most = items.slice(0, 5).map((item) => `${name(item)} (${formatShare(item.share)})`);
  const parts = [lead, most.join(', ')].filter((part) => part !== '');
  return parts.length === 0 ? '' : `${title}: ${parts.join('; most: ')}.`;
}

function kindShares(packetsByKind: Readonly<Record<string, number>>): { kind: string; share: number }[] {
  const kinds = Object.entries(packetsByKind);
  const total = kinds.reduce((sum, [, packets]) => sum + packets, 0);
  return kinds.map(([kind, packets]) => ({ kind, share: packets / total })).toSorted((a, b) => b.share - a.share);
}
