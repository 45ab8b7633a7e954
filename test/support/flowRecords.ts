/** Decodes messages of flow exporters, and keeps what comes out of them. */
import { type FlowOrigin, FlowRecord, type FlowSink, InterfaceCounters } from '../../probes/flow.ts';
import { FlowDecoder } from '../../probes/netflow/flowDecoder.ts';
import { UDP_SESSION } from '../../probes/netflow/message.ts';

export interface KeptFrame {
  readonly bytes: Uint8Array;
  readonly wireLength: number;
  readonly linkType: number;
  readonly samplingInterval: number;
}

export class FlowKeeper implements FlowSink {
  readonly records: FlowRecord[] = [];
  readonly origins: FlowOrigin[] = [];
  readonly frames: KeptFrame[] = [];
  readonly interfaces: InterfaceCounters[] = [];

  observeFlow(record: FlowRecord, { exporter, protocol, observationDomainId, exportTimeMs }: FlowOrigin): void {
    const kept = Object.assign(new FlowRecord(), record, {
      sourceIPv6Address: record.sourceIPv6Address.slice(),
      destinationIPv6Address: record.destinationIPv6Address.slice(),
    });
    this.records.push(kept);
    this.origins.push({ exporter, protocol, observationDomainId, exportTimeMs });
  }

  observeSampledFrame(
    bytes: Uint8Array,
    offset: number,
    capturedLength: number,
    wireLength: number,
    linkType: number,
    samplingInterval: number,
  ): void {
    const frame = new Uint8Array(bytes.subarray(offset, offset + capturedLength));
    this.frames.push({ bytes: frame, wireLength, linkType, samplingInterval });
  }

  observeInterface(counters: InterfaceCounters): void {
    this.interfaces.push(Object.assign(new InterfaceCounters(), counters));
  }
}

export const EXPORTER = '192.0.2.1';

/** A decoder, and what came out of it. */
export class DecoderBed {
  readonly kept = new FlowKeeper();
  readonly decoder = new FlowDecoder(this.kept);
  nowMs = 1_700_000_000_000;

  /** Why each message could not be read (to the end); null: it could. */
  feed(...messages: readonly Uint8Array[]): (string | null)[] {
    return messages.map((bytes) => this.feedFrom(EXPORTER, UDP_SESSION, bytes));
  }

  feedFrom(exporter: string, session: number, bytes: Uint8Array): string | null {
    return this.decoder.decode(exporter, bytes, 0, bytes.length, this.nowMs, session);
  }

  get records(): readonly FlowRecord[] {
    return this.kept.records;
  }

  /** Of the exporter. */
  get statistics() {
    return this.decoder.statistics().get(EXPORTER);
  }
}
