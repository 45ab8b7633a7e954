/**
 * Decodes the messages of flow exporters: NetFlow v1, v5, v7, v9, IPFIX and sFlow v5, told apart by their first octets.
 * Whatever comes, it never throws, takes about a millisecond at most, and remembers no more than its bounds.
 */
import { type FlowOrigin, FlowRecord, type FlowSink } from '../flow.ts';
import type { Milliseconds } from '../probe.ts';
import { MAX_EXPORTERS } from './exporterTable.ts';
import { ExporterState } from './exporterState.ts';
import { decodeFixed } from './fixedFormat.ts';
import { type Malformed, Message, UDP_SESSION } from './message.ts';
import { restoreExporters, saveExporter } from './savedTemplates.ts';
import { decodeSflow } from './sflow.ts';
import { TemplatedFormat } from './templatedFormat.ts';

/** What each exporter sends over UDP, and TCP connections: each has its own templates and numbers (RFC 7011 section 8). */
const MAX_STATES = 2 * MAX_EXPORTERS;

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
  /** Records that do not name both addresses, of which nobody's traffic can be counted. */
  readonly unaddressedRecords: number;
  readonly templates: number;
  /** Those that had to make room for others: it has sent more than are kept. */
  readonly evictedTemplates: number;
  readonly evictedDomains: number;
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
   * end), or null. `session` numbers the TCP connection that it came over, from 1; 0: it came over UDP.
   */
  decode(
    exporter: string,
    bytes: Uint8Array,
    offset: number,
    length: number,
    receivedMs: Milliseconds,
    session = UDP_SESSION,
  ): Malformed | null {
    const message = this.#message;
    message.open(exporter, bytes, offset, length, receivedMs, session);
    if (length < 4) return 'headerTruncated';
    const state = this.#state(exporter, session);
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

  /** The TCP connection is closed: its templates end with it (RFC 7011 section 8.1), its losses stay told. */
  endSession(exporter: string, session: number): void {
    const key = keyOf(exporter, session);
    const state = this.#states.get(key);
    if (state === undefined) return;
    this.#templated.templates.release(state);
    this.#states.delete(key);
    this.#state(exporter, UDP_SESSION).inherit(state);
  }

  statistics(): ReadonlyMap<string, ExporterStatistics> {
    const byExporter = Map.groupBy(this.#states.values(), ({ exporter }) => exporter);
    return new Map([...byExporter].map(([exporter, states]) => [exporter, statisticsOf(states)]));
  }

  /**
   * What is worth keeping over a restart, for `restore`: templates, and what options have told. To be written as JSON.
   * Connections do not outlive one.
   */
  save(): unknown {
    return [...this.#states.values()]
      .filter(({ session }) => session === UDP_SESSION)
      .map(saveExporter)
      .filter(({ domains }) => domains.length > 0);
  }

  /** Takes what makes sense of what `save` gave once; the rest is left out. */
  restore(saved: unknown): void {
    restoreExporters(saved, this.#templated.templates, (exporter) =>
      this.#states.size >= MAX_STATES ? null : this.#state(exporter, UDP_SESSION),
    );
  }

  #state(exporter: string, session: number): ExporterState {
    const key = keyOf(exporter, session);
    const known = this.#states.get(key);
    if (known !== undefined) return known;
    if (this.#states.size >= MAX_STATES) this.#forgetIdlest();
    const { templates } = this.#templated;
    const state = new ExporterState(exporter, session, (...forgotten) => templates.releaseDomain(...forgotten));
    this.#states.set(key, state);
    return state;
  }

  /** That of a connection goes last: its templates are not sent again (RFC 7011 section 8.1). */
  #forgetIdlest(): void {
    let idlest: [string, ExporterState] | null = null;
    for (const entry of this.#states) if (idlest === null || isIdler(entry[1], idlest[1])) idlest = entry;
    if (idlest === null) return;
    this.#templated.templates.release(idlest[1]);
    this.#states.delete(idlest[0]);
  }
}

function isIdler(a: ExporterState, b: ExporterState): boolean {
  const isOfUdp = a.session === UDP_SESSION;
  return isOfUdp === (b.session === UDP_SESSION) ? a.heardMs < b.heardMs : isOfUdp;
}

const keyOf = (exporter: string, session: number): string =>
  session === UDP_SESSION ? exporter : `${exporter} ${session}`;

function statisticsOf(states: readonly ExporterState[]): ExporterStatistics {
  const sum = (value: (state: ExporterState) => number): number => states.reduce((all, each) => all + value(each), 0);
  const losses = states.flatMap((state) => state.losses());
  const lost = (unit: 'records' | 'messages'): number | null => {
    const numbered = losses.filter(([protocol]) => UNIT[protocol] === unit);
    return numbered.length === 0 ? null : numbered.reduce((all, [, each]) => all + each, 0);
  };
  return {
    protocols: [...new Set(losses.map(([protocol]) => protocol))],
    lostRecords: lost('records'),
    lostMessages: lost('messages'),
    missingTemplates: sum(({ missingTemplates }) => missingTemplates),
    unaddressedRecords: sum(({ unaddressedRecords }) => unaddressedRecords),
    templates: sum(({ templates }) => templates),
    evictedTemplates: sum(({ evictedTemplates }) => evictedTemplates),
    evictedDomains: sum(({ evictedDomains }) => evictedDomains),
  };
}
