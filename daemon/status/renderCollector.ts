/** The flow collector's part of the status as text. */
import type { ListenerStatus } from '../../probes/netflow/collectorProbe.ts';
import { formatSize } from '../config/units.ts';
import { formatQuantity } from '../incidents/format.ts';
import type { CollectorStatus, ExporterStatus } from './collectorStatus.ts';
import { table } from './textTable.ts';

const MAX_EXPORTERS = 20;

export function renderCollector(status: CollectorStatus): string[] {
  const { state, listeners, windowSeconds, lagSeconds, exporters, detectorsNotRun } = status;
  const where = listeners.map(({ address, transport }) => `${address} ${transport}`).join(', ');
  const dropped = listeners.reduce((sum, each) => sum + (each.dropped ?? 0), 0);
  const head = [
    `${state}${where === '' ? '' : ` on ${where}`}`,
    `windows of ${windowSeconds} s, ${lagSeconds} s behind`,
    `dropped ${formatQuantity(dropped, '')}`,
    `refused ${formatQuantity(status.strangers + status.crowdedOut, '')}`,
    `restarts ${status.workerRestarts}`,
  ];
  const notRun = detectorsNotRun.length === 0 ? [] : [`do not look at flows: ${detectorsNotRun.join(', ')}`];
  return [head.join('; '), ...notRun, ...listeners.flatMap(smallBuffer), ...renderExporters(exporters)];
}

function smallBuffer({ address, receiveBufferBytes: granted, receiveBufferAskedBytes: asked }: ListenerStatus) {
  if (granted === null || asked === null || granted >= asked) return [];
  return [`${address}: receive buffer ${formatSize(granted)} instead of ${formatSize(asked)} (net.core.rmem_max)`];
}

/** Those with most records first. */
function renderExporters(exporters: readonly ExporterStatus[]): string[] {
  const shown = exporters.toSorted((a, b) => b.records - a.records).slice(0, MAX_EXPORTERS);
  const lines = table(
    2,
    ['exporter', 'protocol', 'messages', 'records', 'lost', 'unreadable', 'late', 'unmetered', 'sampling', 'clock'],
    shown.map((each) => [
      each.address,
      each.protocols.join(' '),
      formatQuantity(each.messages, ''),
      formatQuantity(each.records, ''),
      lost(each),
      formatQuantity(
        Object.values(each.malformed).reduce((sum, count) => sum + count, each.missingTemplates),
        '',
      ),
      formatQuantity(each.lateRecords, ''),
      formatQuantity(unmetered(each), ''),
      each.samplingInterval === null ? 'unknown' : `1:${each.samplingInterval}`,
      each.clockShiftSeconds === 0 ? 'right' : `${each.clockShiftSeconds > 0 ? '+' : ''}${each.clockShiftSeconds} s`,
    ]),
  );
  const rest = exporters.length - shown.length;
  const troubles = shown.flatMap(trouble);
  return [...lines, ...(rest === 0 ? [] : [`and ${rest} more`]), ...troubles];
}

/** What could not be read, and why. */
function trouble({ address, malformed, missingTemplates }: ExporterStatus): string[] {
  const reasons = Object.entries(malformed).map(([reason, count]) => `${reason} ${formatQuantity(count, '')}`);
  if (missingTemplates > 0) reasons.push(`sets without their template ${formatQuantity(missingTemplates, '')}`);
  return reasons.length === 0 ? [] : [`${address}: unreadable: ${reasons.join(', ')}`];
}

/** Late ones aside, of which a part may have been metered. */
const unmetered = (each: ExporterStatus): number =>
  each.futureRecords + each.implausibleRecords + each.emptyRecords + each.crowdedOutRecords + each.unaddressedRecords;

function lost({ lostRecords, lostMessages }: ExporterStatus): string {
  const known = [
    ...(lostRecords === null ? [] : [`${formatQuantity(lostRecords, '')} rec`]),
    ...(lostMessages === null ? [] : [`${formatQuantity(lostMessages, '')} msg`]),
  ];
  return known.length === 0 ? '?' : known.join(' + ');
}
