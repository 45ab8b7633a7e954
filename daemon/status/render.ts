/** The snapshot and its incidents as plain text for a terminal: `weir status`, `weir replay`, and GET /. */
import type { Incident } from '../incidents/incident.ts';
import { describeEvidence, describeOrigin, describeSubject, describeValue } from '../incidents/describe.ts';
import { formatQuantity, formatRate, formatShare, formatTime } from '../incidents/format.ts';
import { assessHealth } from './health.ts';
import { renderCollector } from './renderCollector.ts';
import { FQ_CODEL_PACKAGE } from '../enforcement/capabilities.ts';
import { renderTenants } from './renderTenants.ts';
import type { EnforcementStatus, InterfaceStatus, StatusSnapshot, TenantStatus } from './snapshot.ts';
import { renderHost, renderWorkloads } from './renderHost.ts';
import type { StoreStatus } from './storeStatus.ts';
import { limitLine } from './renderLimits.ts';
import { ago, formatSpan } from './span.ts';
import { table } from './textTable.ts';

const MAX_TENANTS = 20;
const MAX_CLOSED = 5;
const UNKNOWN = '?';

/** Without a newline at the end. */
export function renderStatus(snapshot: StatusSnapshot): string {
  const open = snapshot.incidents.filter(({ state }) => state === 'open');
  const closed = snapshot.incidents.filter(({ state }) => state === 'closed').slice(0, MAX_CLOSED);
  const sections = [
    renderSummary(snapshot),
    section(
      `Open incidents (${open.length})`,
      open.flatMap((each) => incidentLines(each, snapshot.now)),
    ),
    section('Closed lately', closed.map(closedLine)),
    section(
      `Limits (${snapshot.limits.length})`,
      snapshot.limits.map((limit) => limitLine(limit, snapshot.now)),
    ),
    section('Interfaces', [...renderInterfaces(snapshot.interfaces), ...snapshot.interfaces.flatMap(renderDoubts)]),
    section('Flow collector', snapshot.collector === null ? [] : renderCollector(snapshot.collector)),
    section('Tenants', renderBusiest(snapshot.tenants)),
    section('Host', snapshot.host === null ? [] : renderHost(snapshot.host)),
    section('Workloads', renderWorkloads(snapshot.tenants)),
    section('Alertmanager', renderAlertmanagers(snapshot)),
    section('Store', snapshot.store === null ? [] : [renderStore(snapshot.store, snapshot.now)]),
  ];
  return sections.filter((text) => text !== '').join('\n\n');
}

/** One paragraph, for `weir replay`; without a newline at the end. */
export function renderIncident(incident: Incident): string {
  const { firstSeen, lastSeen, severity, state, title } = incident;
  const lines = [
    `${formatTime(firstSeen)} to ${formatTime(lastSeen)}: ${describeSubject(incident)}, ${severity}, ${state}.`,
    title,
    ...describeEvidence(incident),
    describeOrigin(incident),
  ];
  return lines.join('\n  ');
}

function renderSummary(snapshot: StatusSnapshot): string {
  const { version, uptimeSeconds, enforcement, config, self } = snapshot;
  const health = assessHealth(snapshot);
  const delay = self.eventLoopDelayP99Ms;
  const head = [
    `weir ${version}`,
    `up ${formatSpan(uptimeSeconds)}`,
    `enforcement ${enforcement.mode}`,
    `configuration ${config ?? 'none (defaults)'}`,
    `memory ${formatQuantity(self.rssBytes, 'B')}`,
    `event loop p99 ${delay === null ? UNKNOWN : formatQuantity(delay, 'ms')}`,
  ];
  const reasons = health.status === 'ok' ? [] : health.reasons.map((reason) => `FAILING: ${reason}`);
  const off = snapshot.detectors.filter(({ mode }) => mode === 'off').map(({ id }) => id);
  const refused = snapshot.reload?.refused ?? null;
  const reload =
    refused === null || snapshot.reload === null
      ? []
      : [`CONFIGURATION REFUSED ${ago(snapshot.reload.at, snapshot.now)}, the one before counts: ${refused}`];
  const unused = off.length === 0 ? [] : [`detectors off: ${off.join(', ')}`];
  return [head.join(', '), ...reload, ...unused, ...enforcementLines(enforcement, snapshot.now), ...reasons].join('\n');
}

function enforcementLines({ queues, stoppedAt, error }: EnforcementStatus, now: string): string[] {
  return [
    ...(queues === 'fifo' ? [`limits queue without fq_codel, which this kernel has not: ${FQ_CODEL_PACKAGE}`] : []),
    ...(stoppedAt === null ? [] : [`LIMITING HAS STOPPED: too many limits at once, last ${ago(stoppedAt, now)}`]),
    ...(error === null ? [] : [`LIMITS FAIL: ${error}`]),
  ];
}

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : `${title}\n${lines.map((line) => `  ${line}`).join('\n')}`;
}

function incidentLines(incident: Incident, now: string): string[] {
  const since = `since ${formatTime(incident.firstSeen)} (${ago(incident.firstSeen, now)})`;
  return [
    `${incident.severity}: ${describeSubject(incident)}`,
    `  ${describeValue(incident)}; ${since}; ${incident.clause}; ${incident.observationPoint}; ${incident.id}`,
  ];
}

function closedLine(incident: Incident): string {
  const peak = `peak ${formatRate(incident.peak, incident.unit)}`;
  return `${formatTime(incident.lastSeen)}: ${describeSubject(incident)}, ${peak}; ${incident.id}`;
}

function renderInterfaces(interfaces: readonly InterfaceStatus[]): string[] {
  return table(
    3,
    ['name', 'state', 'faces', 'link', 'packets', 'bits', 'received', 'lost', 'unreadable', 'restarts'],
    interfaces.map((each) => [
      each.name,
      each.state,
      each.tenant ?? each.faces,
      linkWords(each.link),
      each.packetsPerSecond === null ? UNKNOWN : formatRate(each.packetsPerSecond, 'packets/s'),
      each.bitsPerSecond === null ? UNKNOWN : formatRate(each.bitsPerSecond, 'bit/s'),
      formatQuantity(each.received, ''),
      lost(each),
      formatQuantity(
        Object.values(each.malformed).reduce((sum, frames) => sum + frames, 0),
        '',
      ),
      String(each.workerRestarts),
    ]),
  );
}

function linkWords(link: InterfaceStatus['link']): string {
  if (link === null || link.speedBps === null) return UNKNOWN;
  return formatRate(link.speedBps, 'bit/s') + (link.isFullDuplex === false ? ' half duplex' : '');
}

/** Why its figures may be wrong; nothing as a rule. */
export function renderDoubts({ name, captureProcess, onlySees, clock, unseen }: InterfaceStatus): string[] {
  const doubts: string[] = [];
  if (captureProcess !== null && captureProcess.restarts > 0) {
    const { restarts, lastFailure } = captureProcess;
    doubts.push(
      `the process that captures was started again ${restarts} times, last because: ${lastFailure ?? UNKNOWN}`,
    );
  }
  if (onlySees !== null) {
    const since = `since ${formatTime(onlySees.since)}`;
    doubts.push(`only ${onlySees.direction} traffic is seen ${since}: a mirror of one way, or asymmetric routes?`);
  }
  if (clock.lastJumpSeconds !== null && clock.lastJumpAt !== null) {
    const way = clock.lastJumpSeconds < 0 ? 'back' : 'forward';
    const by = `${way} by ${Math.abs(clock.lastJumpSeconds)} s at ${formatTime(clock.lastJumpAt)}`;
    doubts.push(`the clock was set ${by}, ${clock.jumps} times in all`);
  }
  if (unseen.bytes !== null && unseen.bytes > 0) {
    const packets = unseen.packets === null ? '' : ` (about ${formatQuantity(unseen.packets, '')} packets)`;
    doubts.push(`${formatQuantity(unseen.bytes, 'B')}${packets} passed unseen, and nobody counted them as lost`);
  }
  return doubts.map((doubt) => `${name}: ${doubt}`);
}

function lost({ dropped, lossRatio }: InterfaceStatus): string {
  if (dropped === null) return UNKNOWN;
  return lossRatio === null || dropped === 0
    ? String(dropped)
    : `${formatQuantity(dropped, '')} (${formatShare(lossRatio)})`;
}

/** Those with something to tell first, then by rate. */
function renderBusiest(tenants: readonly TenantStatus[]): string[] {
  const lines = renderTenants(tenants.toSorted((a, b) => weight(b) - weight(a)).slice(0, MAX_TENANTS));
  const rest = tenants.length - MAX_TENANTS;
  return rest <= 0 ? lines : [...lines, `and ${rest} more`];
}

function weight({ openIncidents, limit, inbound, outbound }: TenantStatus): number {
  const rate = (inbound?.bitsPerSecond ?? 0) + (outbound?.bitsPerSecond ?? 0);
  return rate + (openIncidents > 0 || limit !== null ? Number.MAX_SAFE_INTEGER / 2 : 0);
}

function renderAlertmanagers({ alertmanager, now }: StatusSnapshot): string[] {
  return alertmanager.map(({ url, ok, lastSuccessAt, lastError, pending }) => {
    const success = lastSuccessAt === null ? 'nothing accepted yet' : `last accepted ${ago(lastSuccessAt, now)}`;
    const state = ok === null ? 'not tried yet' : ok ? 'ok' : `FAILING (${lastError ?? 'unknown'})`;
    return `${url}: ${state}, ${success}, ${pending} pending`;
  });
}

function renderStore(
  { path, state, lastError, lastWrittenAt, waiting, dropped, size }: StoreStatus,
  now: string,
): string {
  const words = {
    opening: 'being opened',
    ok: 'ok',
    stalled: 'STALLED (the disk does not answer)',
    failing: `FAILING (${lastError ?? UNKNOWN})`,
  };
  const written = lastWrittenAt === null ? 'nothing written yet' : `last written ${ago(lastWrittenAt, now)}`;
  const bytes = size === null ? UNKNOWN : formatQuantity(size.bytes + size.walBytes, 'B');
  const givenUp = dropped === 0 ? '' : `, ${formatQuantity(dropped, '')} writes given up`;
  return `${path}: ${words[state]}, ${bytes}, ${written}, ${waiting} waiting${givenUp}`;
}
