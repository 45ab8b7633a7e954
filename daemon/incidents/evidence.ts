/** The evidence of an incident: that of the windows that found it, united. */
import type { Evidence, SampleEvidence } from '../detectors/detector.ts';
import type { IncidentEvidence, TrafficEvidence } from './incident.ts';

const MAX_TOP = 16;
/** Of random sources each has its grain of sand; only those with more are worth a name. */
const MIN_TOP_SHARE = 0.01;

export function firstEvidence(evidence: Evidence | SampleEvidence): IncidentEvidence {
  if (evidence.tier === 'sample') return evidence;
  const { topSources, topPorts } = evidence;
  return { ...evidence, topSources: largest(topSources), topPorts: largest(topPorts), ...volume(evidence) };
}

export function uniteEvidence(
  all: IncidentEvidence,
  next: Evidence | SampleEvidence,
  nextIsPeak: boolean,
): IncidentEvidence {
  if (all.tier === 'sample') return next.tier === 'sample' ? uniteSamples(all, next) : all;
  return next.tier === 'sample' ? all : uniteTraffic(all, next, nextIsPeak);
}

/** Kills add up, everything else is as it is now. */
function uniteSamples(all: SampleEvidence, next: SampleEvidence): SampleEvidence {
  const isUnknown = all.oomKills === null && next.oomKills === null;
  return { ...next, oomKills: isUnknown ? null : (all.oomKills ?? 0) + (next.oomKills ?? 0) };
}

/** Packets add up, shares are weighted by them, rates are those of the window with the larger value. */
function uniteTraffic(all: TrafficEvidence, next: Evidence, nextIsPeak: boolean): TrafficEvidence {
  const { packets, bytes } = volume(next);
  const peak = nextIsPeak ? next : all;
  return {
    ...all,
    packetsPerSecond: peak.packetsPerSecond,
    bitsPerSecond: peak.bitsPerSecond,
    packetsByKind: sumByKind(all.packetsByKind, next.packetsByKind),
    topSources: uniteTop(all.topSources, all.packets, next.topSources, packets, ({ address }) => address),
    topPorts: uniteTop(all.topPorts, all.packets, next.topPorts, packets, ({ port }) => port),
    ...mostPorts(all, next),
    ...(peak.type === undefined ? {} : { type: peak.type }),
    ...(all.hasForgedSources || next.hasForgedSources ? { hasForgedSources: true } : {}),
    ...(next.port !== undefined && { port: next.port }),
    ...(next.contacts !== undefined && { contacts: next.contacts }),
    packets: all.packets + packets,
    bytes: all.bytes + bytes,
  };
}

/** A window's packets and bytes: the rates were taken over the time in which the kinds were counted. */
function volume({ packetsByKind, packetsPerSecond, bitsPerSecond }: Evidence): { packets: number; bytes: number } {
  const packets = Object.values(packetsByKind).reduce((sum, count) => sum + count, 0);
  const seconds = packetsPerSecond === 0 ? 0 : packets / packetsPerSecond;
  return { packets, bytes: Math.round((bitsPerSecond / 8) * seconds) };
}

type ByKind = Evidence['packetsByKind'];

const sumByKind = (a: ByKind, b: ByKind): ByKind => ({
  ...a,
  ...Object.fromEntries(Object.entries(b).map(([kind, count]) => [kind, (a[kind] ?? 0) + count])),
});

function mostPorts(a: Evidence, b: Evidence): { distinctPorts?: number } {
  const distinctPorts = Math.max(a.distinctPorts ?? 0, b.distinctPorts ?? 0);
  return distinctPorts === 0 ? {} : { distinctPorts };
}

function uniteTop<Top extends { readonly share: number }>(
  a: readonly Top[],
  packetsOfA: number,
  b: readonly Top[],
  packetsOfB: number,
  keyOf: (top: Top) => string | number,
): Top[] {
  const all = Math.max(packetsOfA + packetsOfB, 1);
  const byKey = new Map(a.map((top) => [keyOf(top), { ...top, share: (top.share * packetsOfA) / all }]));
  for (const top of b) {
    const share = (byKey.get(keyOf(top))?.share ?? 0) + (top.share * packetsOfB) / all;
    byKey.set(keyOf(top), { ...top, share });
  }
  return largest([...byKey.values()]);
}

const largest = <Top extends { readonly share: number }>(tops: readonly Top[]): Top[] =>
  tops
    .filter(({ share }) => share >= MIN_TOP_SHARE)
    .toSorted((a, b) => b.share - a.share)
    .slice(0, MAX_TOP)
    .map((top) => ({ ...top, share: Math.round(top.share * 10_000) / 10_000 }));
