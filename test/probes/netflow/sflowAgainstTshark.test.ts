import assert from 'node:assert/strict';
import type { InterfaceCounters } from '../../../probes/flow.ts';
import { decoded } from '../../support/decoded.ts';
import { type FlowCapture, flowCapturesOrPending } from '../../support/flowCaptures.ts';
import { DecoderBed, type KeptFrame } from '../../support/flowRecords.ts';
import { type Counters, readSflowByTshark, type SampledHeader, type SampledPacket } from './peers/tsharkSflow.ts';

/** What the captures hold, as tshark counts it: a reader that finds nothing agrees with nobody. */
const HELD = [
  ['td-sflow_expanded', 1, 0],
  ['td-sflow-print-v6', 13, 48],
] as const;

function captureOf(context: Mocha.Context, name: string): FlowCapture {
  return flowCapturesOrPending(context).find((each) => each.name === name) ?? assert.fail(name);
}

const asObject = (counters: InterfaceCounters): Counters => Object.fromEntries(Object.entries(counters));

/** The header of the packet, by the decoder that captured frames go through. */
function packetOf({ bytes, linkType, wireLength }: KeptFrame): SampledPacket | null {
  const {
    frame,
    source = '',
    destination = '',
    protocol = 0,
    sourcePort = 0,
    destinationPort = 0,
  } = decoded(bytes, linkType, { wireLength });
  return frame === 'ip' ? { source, destination, protocol, sourcePort, destinationPort } : null;
}

describe('sFlow beside tshark', () => {
  for (const [name, headers, counters] of HELD) {
    it(`reads ${headers} sampled headers and ${counters} interfaces' counters of ${name} as tshark does`, async function () {
      const capture = captureOf(this, name);
      const theirs = await readSflowByTshark(capture);
      assert.deepEqual([theirs.headers.length, theirs.counters.length], [headers, counters]);
      const bed = new DecoderBed();
      for (const { exporter, bytes } of capture.datagrams) assert.equal(bed.feedFrom(exporter, 0, bytes), null);
      const ours = bed.kept.frames.map((frame): SampledHeader => ({
        header: Buffer.from(frame.bytes).toString('hex'),
        wireLength: frame.wireLength,
        samplingInterval: frame.samplingInterval,
        packet: packetOf(frame),
      }));
      assert.deepEqual(ours, theirs.headers);
      assert.deepEqual(bed.kept.interfaces.map(asObject), theirs.counters);
    });
  }
});
