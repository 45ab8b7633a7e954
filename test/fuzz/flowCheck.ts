/** A sink that refuses flow records with impossible values. */
import assert from 'node:assert/strict';
import type { FlowOrigin, FlowRecord, FlowSink, InterfaceCounters } from '../../probes/flow.ts';

const isCount = (value: number): boolean => value >= 0 && value <= Number.MAX_SAFE_INTEGER;
const isPort = (value: number): boolean => value >= -1 && value <= 0xffff;
const isWord = (value: number): boolean => value === (value | 0);
/** Dates beyond it are nobody's; the collector leaves them out. */
const isTime = (value: number): boolean => Number.isFinite(value) && Math.abs(value) < 2 ** 65;

export class FlowCheck implements FlowSink {
  records = 0;

  observeFlow(record: FlowRecord, origin: FlowOrigin): void {
    this.records += 1;
    const isSound =
      (record.ipVersion === 4 || record.ipVersion === 6) &&
      isWord(record.sourceIPv4Address) &&
      isWord(record.destinationIPv4Address) &&
      record.protocolIdentifier >= 0 &&
      record.protocolIdentifier <= 255 &&
      isPort(record.sourceTransportPort) &&
      isPort(record.destinationTransportPort) &&
      record.tcpControlBits >= -1 &&
      record.tcpControlBits <= 0xff &&
      isCount(record.octetDeltaCount) &&
      isCount(record.packetDeltaCount) &&
      isTime(record.flowStartMilliseconds) &&
      isTime(record.flowEndMilliseconds) &&
      isCount(record.ingressInterface) &&
      isCount(record.egressInterface) &&
      [0, 1, 255].includes(record.flowDirection) &&
      isCount(record.samplingInterval) &&
      isTime(origin.exportTimeMs);
    if (!isSound) assert.fail(`an impossible record of ${origin.protocol}: ${JSON.stringify(record)}`);
  }

  observeSampledFrame(
    bytes: Uint8Array,
    offset: number,
    capturedLength: number,
    wireLength: number,
    linkType: number,
    samplingInterval: number,
  ): void {
    this.records += 1;
    const isSound =
      offset >= 0 &&
      capturedLength >= 0 &&
      offset + capturedLength <= bytes.length &&
      isCount(wireLength) &&
      isCount(linkType) &&
      isCount(samplingInterval);
    if (!isSound)
      assert.fail(`an impossible frame: ${JSON.stringify({ offset, capturedLength, wireLength, linkType })}`);
  }

  observeInterface(counters: InterfaceCounters): void {
    this.records += 1;
    const isSound = Object.values(counters).every((value) => value >= -1 && Number.isInteger(value));
    if (!isSound) assert.fail(`impossible counters: ${JSON.stringify(counters)}`);
  }
}
