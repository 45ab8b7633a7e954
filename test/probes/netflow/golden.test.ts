import { join } from 'node:path';
import type { FlowRecord } from '../../../probes/flow.ts';
import type { FlowCapture } from '../../support/flowCaptures.ts';
import { addressesOf } from '../../support/flowReading.ts';
import { DecoderBed } from '../../support/flowRecords.ts';
import { assertGolden } from '../../support/golden.ts';
import { ownFlowDatagrams } from '../../support/ownFlowDatagrams.ts';

const GOLDEN = join(import.meta.dirname, '../../golden/netflow');

function lineOf(record: FlowRecord): string {
  const { flowStartMilliseconds: startMs, flowEndMilliseconds: endMs, ingressInterface, egressInterface } = record;
  const { source, destination } = addressesOf(record);
  return [
    `${source} ${record.sourceTransportPort} > ${destination} ${record.destinationTransportPort}`,
    `protocol ${record.protocolIdentifier} flags ${record.tcpControlBits}`,
    `${record.packetDeltaCount} packets ${record.octetDeltaCount} octets 1:${record.samplingInterval}`,
    `${new Date(startMs).toISOString()} ${endMs - startMs} ms`,
    `${ingressInterface} to ${egressInterface}, ${record.flowDirection}`,
  ].join('; ');
}

function textOf({ name, datagrams }: FlowCapture): string {
  const bed = new DecoderBed();
  const problems = datagrams.map(({ exporter, bytes }) => bed.feedFrom(exporter, 0, bytes));
  const { frames, interfaces } = bed.kept;
  return [
    `# ${name}: ${datagrams.length} datagrams, ${problems.filter((problem) => problem !== null).join(', ') || 'all whole'}`,
    ...bed.records.map(lineOf),
    ...frames.map(({ bytes, ...rest }) => JSON.stringify({ ...rest, bytes: Buffer.from(bytes).toString('hex') })),
    ...interfaces.map((each) => JSON.stringify(each)),
    '',
  ].join('\n');
}

describe('FlowDecoder on our own datagrams', () => {
  it('makes of them what it made of them', () => {
    // Those of the benchmark are its own affair.
    const own = ownFlowDatagrams.filter(({ name }) => name.startsWith('own'));
    assertGolden(join(GOLDEN, 'own.txt'), own.map(textOf).join('\n'));
  });
});
