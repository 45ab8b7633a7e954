import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { FLOW_DIRECTION_UNKNOWN, FlowRecord } from '../../../probes/flow.ts';
import {
  type FieldSpec,
  fixedMessage,
  flowSample,
  flowSet,
  optionsSet,
  optionsTemplate,
  sampledPacket,
  sflowMessage,
  template,
  templatedMessage,
  templateSet,
  uint,
  VARIABLE,
  variable,
} from '../../support/flowMessages.ts';
import { DecoderBed } from '../../support/flowRecords.ts';
import {
  encode,
  expected,
  fieldsOf,
  type Flow,
  flows,
  flowTemplates,
  messageTimes,
} from '../../support/generatedFlows.ts';

const RUNS = 1000;

/** Fields that a flow of this template has not are as they were with the one before: not what is compared. */
function comparable(record: FlowRecord): FlowRecord {
  const copy = Object.assign(new FlowRecord(), record);
  if (record.ipVersion === 4) return Object.assign(copy, { sourceIPv6Address: null, destinationIPv6Address: null });
  return Object.assign(copy, { sourceIPv4Address: 0, destinationIPv4Address: 0 });
}

function assertSame(actual: readonly FlowRecord[], wanted: readonly FlowRecord[]): void {
  assert.deepEqual(actual.map(comparable), wanted.map(comparable));
}

const ids = fc.integer({ min: 256, max: 0xffff });

const fixedOf = (flow: Flow, uptimeMs: number) => ({
  ...flow,
  source: Number(flow.source & 0xffff_ffffn),
  destination: Number(flow.destination & 0xffff_ffffn),
  first: (uptimeMs - flow.endAgoMs - flow.durationMs) >>> 0,
  last: (uptimeMs - flow.endAgoMs) >>> 0,
});

function fixedExpected(flow: Flow, exportTimeMs: number): FlowRecord {
  const hasPorts = [6, 17, 33, 132, 136].includes(flow.protocol);
  return Object.assign(new FlowRecord(), {
    ipVersion: 4,
    protocolIdentifier: flow.protocol,
    sourceIPv4Address: Number(BigInt.asIntN(32, flow.source)),
    destinationIPv4Address: Number(BigInt.asIntN(32, flow.destination)),
    sourceTransportPort: hasPorts ? flow.sourcePort : -1,
    destinationTransportPort: hasPorts || flow.protocol === 1 || flow.protocol === 58 ? flow.destinationPort : -1,
    tcpControlBits: flow.flags,
    octetDeltaCount: flow.octets,
    packetDeltaCount: flow.packets,
    flowStartMilliseconds: exportTimeMs - flow.endAgoMs - flow.durationMs,
    flowEndMilliseconds: exportTimeMs - flow.endAgoMs,
    ingressInterface: flow.ingress,
    egressInterface: flow.egress,
    flowDirection: FLOW_DIRECTION_UNKNOWN,
  });
}

describe('decoding what was encoded gives it back', () => {
  it('for templates and records of NetFlow v9 and IPFIX, of several sets and messages', () => {
    /** A template, and its records in some sets with their padding. */
    const parts = fc.record({
      template: flowTemplates,
      sets: fc.array(fc.record({ flows: fc.array(flows, { minLength: 1, maxLength: 4 }), padding: fc.nat(3) }), {
        maxLength: 3,
      }),
      isApart: fc.boolean(),
    });
    fc.assert(
      fc.property(
        parts,
        messageTimes,
        ids,
        fc.nat(2 ** 32 - 1),
        ({ template: layout, sets, isApart }, time, id, domain) => {
          const bed = new DecoderBed();
          const templates = templateSet(layout.protocol, template(id, fieldsOf(layout)));
          const data = sets.map((set) =>
            flowSet(id, Buffer.concat(set.flows.map((flow) => encode(layout, flow, time))), set.padding),
          );
          const message = (...all: readonly Buffer[]) => templatedMessage(layout.protocol, { ...time, domain }, ...all);
          const messages = isApart
            ? [message(templates), ...data.map((set) => message(set))]
            : [message(templates, ...data)];
          assert.deepEqual(
            bed.feed(...messages),
            messages.map(() => null),
          );
          assertSame(
            bed.records,
            sets.flatMap((set) => set.flows.map((flow) => expected(layout, flow, time))),
          );
        },
      ),
      { numRuns: RUNS },
    );
  });

  it('for two templates of one message, whose sets alternate', () => {
    const two = fc.tuple(flowTemplates, flowTemplates).filter(([a, b]) => a.protocol === b.protocol);
    fc.assert(
      fc.property(two, fc.array(flows, { minLength: 1, maxLength: 8 }), messageTimes, (layouts, all, time) => {
        const bed = new DecoderBed();
        const [{ protocol }] = layouts;
        const templates = templateSet(protocol, ...layouts.map((layout, i) => template(300 + i, fieldsOf(layout))));
        const layoutOf = (i: number) => layouts[i % 2] ?? assert.fail();
        const sets = all.map((flow, i) => flowSet(300 + (i % 2), encode(layoutOf(i), flow, time)));
        assert.deepEqual(bed.feed(templatedMessage(protocol, time, templates, ...sets)), [null]);
        assertSame(
          bed.records,
          all.map((flow, i) => expected(layoutOf(i), flow, time)),
        );
      }),
      { numRuns: RUNS },
    );
  });

  it('for options that tell how samplers sample, whatever stands beside it', () => {
    const intervals = fc.uniqueArray(
      fc.record({ sampler: fc.nat(0xffff), interval: fc.integer({ min: 1, max: 2 ** 24 }) }),
      { minLength: 1, maxLength: 20, selector: ({ sampler }) => sampler },
    );
    const layouts = fc.record({
      sampler: fc.constantFrom(48, 302),
      interval: fc.constantFrom(34, 50),
      name: fc.uint8Array({ maxLength: 40 }),
      isNamed: fc.boolean(),
    });
    fc.assert(
      fc.property(layouts, intervals, messageTimes, (layout, told, time) => {
        const bed = new DecoderBed();
        const name: FieldSpec = { element: 335, octets: VARIABLE };
        const fields: FieldSpec[] = [
          { element: 149, octets: 4 },
          ...(layout.isNamed ? [name] : []),
          { element: layout.sampler, octets: 4 },
          { element: layout.interval, octets: 4 },
        ];
        const records = told.map(({ sampler, interval }) =>
          Buffer.concat([
            uint(7, 4),
            ...(layout.isNamed ? [variable(layout.name)] : []),
            uint(sampler, 4),
            uint(interval, 4),
          ]),
        );
        const flowFields = [8, 12, 2, layout.sampler].map((element) => ({ element, octets: 4 }));
        const data = told.map(({ sampler }) => Buffer.concat([uint(1, 4), uint(2, 4), uint(3, 4), uint(sampler, 4)]));
        bed.feed(
          templatedMessage(
            'ipfix',
            time,
            optionsSet('ipfix', optionsTemplate('ipfix', 300, 1, fields)),
            flowSet(300, Buffer.concat(records)),
          ),
          templatedMessage(
            'ipfix',
            time,
            templateSet('ipfix', template(301, flowFields)),
            flowSet(301, Buffer.concat(data)),
          ),
        );
        assert.deepEqual(
          bed.records.map(({ samplingInterval }) => samplingInterval),
          told.map(({ interval }) => interval),
        );
      }),
      { numRuns: RUNS },
    );
  });

  it('for NetFlow v1, v5 and v7', () => {
    const versions = fc.constantFrom(1, 5, 7);
    fc.assert(
      fc.property(
        versions,
        fc.array(flows, { maxLength: 30 }),
        messageTimes,
        fc.nat(0xffff),
        (version, all, time, sampling) => {
          const bed = new DecoderBed();
          const records = all.map((flow) => fixedOf(flow, time.uptimeMs));
          assert.deepEqual(bed.feed(fixedMessage(version, { ...time, sampling }, ...records)), [null]);
          const samplingInterval = version === 5 ? sampling & 0x3fff || 1 : 0;
          assertSame(
            bed.records,
            all.map((flow) => Object.assign(fixedExpected(flow, time.exportTimeMs), { samplingInterval })),
          );
        },
      ),
      { numRuns: RUNS },
    );
  });

  it('for packets that sFlow samples', () => {
    const samples = fc.array(
      fc.record({
        flow: flows,
        isIPv4: fc.boolean(),
        isExpanded: fc.boolean(),
        rate: fc.integer({ min: 1, max: 2 ** 24 }),
      }),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(samples, fc.constantFrom(4, 16), (all, agentOctets) => {
        const bed = new DecoderBed();
        const messages = all.map(({ flow, isIPv4, isExpanded, rate }) => {
          const octets = isIPv4 ? 4 : 16;
          const packet = {
            ...flow,
            length: flow.octets,
            source: uint(flow.source, octets),
            destination: uint(flow.destination, octets),
          };
          return flowSample(
            { rate, isExpanded, input: flow.ingress, output: flow.egress, source: 0 },
            sampledPacket(packet),
          );
        });
        assert.deepEqual(bed.feed(sflowMessage({ agent: uint(1, agentOctets) }, ...messages)), [null]);
        assert.deepEqual(
          bed.records.map((record) => [
            record.octetDeltaCount,
            record.protocolIdentifier,
            record.tcpControlBits,
            record.samplingInterval,
            record.ipVersion === 4 ? record.destinationIPv4Address : record.destinationIPv6Address[3],
            record.ingressInterface,
            record.egressInterface,
          ]),
          all.map(({ flow, rate }) => [
            flow.octets,
            flow.protocol,
            flow.flags,
            rate,
            Number(BigInt.asIntN(32, flow.destination)),
            flow.ingress,
            flow.egress,
          ]),
        );
      }),
      { numRuns: RUNS },
    );
  });
});
