/**
 * A process of its own with --expose-gc: a decoder, and exporters without number that send it templates, options and
 * domains. Prints what it keeps of memory after so many of them, in MiB, as JSON.
 */
import { FlowDecoder } from '../../../probes/netflow/flowDecoder.ts';
import { FlowCheck } from '../../fuzz/flowCheck.ts';
import { type Cell, dataOf, HEADER, messageOf, optionsOf, PLAIN, scope, templateOf } from '../../support/flowCells.ts';
import { template, templatedMessage, templateSet } from '../../support/flowMessages.ts';

const NOW = 1_700_000_000_000;
const MIB = 2 ** 20;

const FIELDS = Array.from({ length: 20 }, (_, i) => ({ element: 1 + i, octets: 4 }));
const SAMPLER: readonly Cell[] = [scope('ipfix'), [302, 4, 0], [50, 4, 100]];

/** What a forged exporter sends: 40 templates, 8 domains, 20 samplers. */
const MESSAGES = [
  templatedMessage(
    'ipfix',
    HEADER,
    ...Array.from({ length: 40 }, (_, i) => templateSet('ipfix', template(256 + i, FIELDS))),
  ),
  ...Array.from({ length: 8 }, (_, domain) =>
    templatedMessage('netflow9', { ...HEADER, domain }, templateOf('netflow9', PLAIN), dataOf(PLAIN)),
  ),
  templatedMessage(
    'ipfix',
    HEADER,
    ...optionsOf('ipfix', 400, SAMPLER),
    ...Array.from({ length: 20 }, (_, i) => dataOf([scope('ipfix'), [302, 4, i], [50, 4, 100]], 400)),
  ),
  messageOf('ipfix', PLAIN),
];

function keptMiB(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / MIB;
}

const check = new FlowCheck();
const decoder = new FlowDecoder(check);
let exporters = 0;

function flood(count: number): void {
  for (const end = exporters + count; exporters < end; exporters++) {
    const exporter = `10.${exporters >> 16}.${(exporters >> 8) & 255}.${exporters & 255}`;
    // Some over TCP, and never closed.
    for (const bytes of MESSAGES) decoder.decode(exporter, bytes, 0, bytes.length, NOW + exporters, exporters & 1);
  }
}

const kept = [keptMiB()];
for (const count of [1000, 1000, 18_000]) {
  flood(count);
  kept.push(keptMiB());
}
process.stdout.write(JSON.stringify({ kept, exporters, records: check.records, states: decoder.statistics().size }));
