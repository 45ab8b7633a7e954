/**
 * Decodes the messages of flow exporters: NetFlow v1, v5, v7, v9, IPFIX and sFlow v5, told apart by their first octets.
 * Whatever comes, it never throws, takes about a millisecond at most, and remembers no more than its bounds.
 */
import { type FlowOrigin, FlowRecord, type FlowSink } from '../flow.ts';
import type { Milliseconds } from '../probe.ts';
import { MAX_EXPORTERS } from './exporterTable.ts';
import { ExporterState } from './exporterState.ts';
import { decodeFixed } from './fixedFormat.ts';
import { type Malformed, Message } from './message.ts';
import { restoreExporters, saveExporter } from './savedTemplates.ts';
import { decodeSflow } from './sflow.ts';
import { TemplatedFormat } from './templatedFormat.ts';

/** Over UDP and over TCP an exporter is two: each has its own templates and numbers (RFC 7011 section 8). */
const MAX_STATES = 2 * MAX_EXPORTERS;
const TCP_KEY = ' over TCP';

const UNIT: Readonly<Record<FlowOrigin['protocol'], 'records' | 'messages' | null>> = {
  netflow1: null,
  netflow5: 'records',
  netflow7: 'records',
  netflow9: 'messages',
  ipfix: 'records',
  sflow5: 'messages',
};

export interface ExporterStatistics {
  readonly protocols: readonly FlowOrigin['protocol'][];
  /** By sequence numbers, in the unit that its protocol numbers; null: it numbers none of these. */
  readonly lostRecords: number | null;
  readonly lostMessages: number | null;
  /** Sets of records whose template has not come yet. */
  readonly missingTemplates: number;
  readonly templates: number;
}

export class FlowDecoder {
  readonly #sink: FlowSink;
  readonly #record = new FlowRecord();
  readonly #message = new Message();
  readonly #templated: TemplatedFormat;
  readonly #states = new Map<string, ExporterState>();

  constructor(sink: FlowSink) {
    this.#sink = sink;
    this.#templated = new TemplatedFormat(this.#record, sink);
  }

  /**
   * Hands all flow records of the message bytes[offset … offset + length) to the sink; why it could not be read (to the
   * end), or null. `isReliable`: it came over TCP.
   */
  decode(
    exporter: string,
    bytes: Uint8Array,
    offset: number,
    length: number,
    receivedMs: Milliseconds,
    isReliable = false,
  ): Malformed | null {
    const message = this.#message;
    message.open(exporter, bytes, offset, length, receivedMs);
    message.isReliable = isReliable;
    if (length < 4) return 'headerTruncated';
    const state = this.#state(isReliable ? exporter + TCP_KEY : exporter, exporter);
    state.heardMs = receivedMs;
    const version = message.view.getUint16(offset);
    switch (version) {
      case 9:
        return this.#templated.decodeNetflow9(message, state);
      case 10:
        return this.#templated.decodeIpfix(message, state);
      case 0:
        // sFlow writes its version in four octets.
        if (message.view.getUint32(offset) === 5) return decodeSflow(message, state, this.#record, this.#sink);
        return 'versionUnknown';
      default:
        return decodeFixed(message, version, state, this.#record, this.#sink);
    }
  }

  statistics(): ReadonlyMap<string, ExporterStatistics> {
    const byExporter = Map.groupBy(this.#states.values(), ({ exporter }) => exporter);
    return new Map([...byExporter].map(([exporter, states]) => [exporter, statisticsOf(states)]));
  }

  /** What is worth keeping over a restart, for `restore`: templates, and what options have told. To be written as JSON. */
  save(): unknown {
    return [...this.#states]
      .map(([key, state]) => saveExporter(key, state))
      .filter(({ domains }) => domains.length > 0);
  }

  /** Takes what makes sense of what `save` gave once; the rest is left out. */
  restore(saved: unknown): void {
    restoreExporters(saved, this.#templated.templates, (key) => {
      if (this.#states.size >= MAX_STATES) return null;
      return this.#state(key, key.endsWith(TCP_KEY) ? key.slice(0, -TCP_KEY.length) : key);
    });
  }

  #state(key: string, exporter: string): ExporterState {
    const known = this.#states.get(key);
    if (known !== undefined) return known;
    if (this.#states.size >= MAX_STATES) this.#forgetIdlest();
    const state = new ExporterState(exporter);
    this.#states.set(key, state);
    return state;
  }

  #forgetIdlest(): void {
    let idlest: [string, ExporterState] | null = null;
    for (const entry of this.#states) if (idlest === null || entry[1].heardMs < idlest[1].heardMs) idlest = entry;
    if (idlest === null) return;
    this.#templated.templates.release(idlest[1]);
    this.#states.delete(idlest[0]);
  }
}

function statisticsOf(states: readonly ExporterState[]): ExporterStatistics {
  const sum = (value: (state: ExporterState) => number): number => states.reduce((all, each) => all + value(each), 0);
  const domains = states.flatMap((state) => [...state.domains.values()]);
  const lost = (unit: 'records' | 'messages'): number | null => {
    const numbered = domains.filter(({ protocol }) => UNIT[protocol] === unit);
    return numbered.length === 0 ? null : numbered.reduce((all, { lost: ofDomain }) => all + ofDomain, 0);
  };
  return {
    protocols: [...new Set(domains.map(({ protocol }) => protocol))],
    lostRecords: lost('records'),
    lostMessages: lost('messages'),
    missingTemplates: sum(({ missingTemplates }) => missingTemplates),
    templates: sum(({ templates }) => templates),
  };
}
