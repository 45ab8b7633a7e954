/** The proof of an incident of traffic, a sentence a line; what is not known is left out. */
import type { Unit } from '../detectors/detector.ts';
import { formatQuantity, formatRate, formatShare } from './format.ts';
import type { Incident, TrafficEvidence } from './incident.ts';

export function describeTraffic(incident: Incident, evidence: TrafficEvidence): string[] {
  const { unit } = incident;
  const other: Unit = unit === 'bit/s' ? 'packets/s' : 'bit/s';
  const otherRate = unit === 'bit/s' ? evidence.packetsPerSecond : evidence.bitsPerSecond;
  const volume = `${formatQuantity(evidence.packets, '')} packets, ${formatQuantity(evidence.bytes, 'B')} in all`;
  const peak = `Peak ${formatRate(incident.peak, unit)} (${formatRate(otherRate, other)})`;
  const lines = [
    `${peak}, last ${formatRate(incident.value, unit)}, threshold ${formatRate(incident.threshold, unit)}; ${volume}.`,
    describePort(evidence),
    describeContacts(evidence),
    describeSources(evidence),
    list('Ports', evidence.topPorts, ({ port }) => String(port), portCount(evidence.distinctPorts)),
    list('Packets', kindShares(evidence.packetsByKind), ({ kind }) => kind, ''),
  ];
  return lines.filter((line) => line !== '');
}

const bits = (bps: number): string => formatRate(bps, 'bit/s');

function describePort({ port }: TrafficEvidence): string {
  if (port === undefined) return '';
  const { portBps, overMs, medianBps, dutyShare, variation, percentile95Bps } = port;
  const parts = [
    `median ${bits(medianBps)} of ${bits(portBps)} over ${formatQuantity(overMs / 3_600_000, 'h')}`,
    `busy ${formatShare(dutyShare)} of the time`,
    `σ/μ ${variation}`,
    ...(percentile95Bps === null ? [] : [`95th percentile of the month ${bits(percentile95Bps)}`]),
  ];
  return `Port: ${parts.join(', ')}.`;
}

function describeContacts({ contacts }: TrafficEvidence): string {
  if (contacts === undefined) return '';
  const { hosts, ...outcomes } = contacts;
  const parts = Object.entries(outcomes).filter(([, count]) => count > 0);
  return `First contacts: about ${hosts} hosts; ${parts.map(([outcome, count]) => `${count} ${outcome}`).join(', ')}.`;
}

function describeSources({ sources, topSources, hasForgedSources }: TrafficEvidence): string {
  const about =
    sources === undefined ? '' : `about ${formatQuantity(sources.distinct, '')} ± ${formatShare(sources.error)}`;
  if (hasForgedSources) return `Sources: ${about === '' ? '' : `${about}, `}forged.`;
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
