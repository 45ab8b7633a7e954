/** Gathers for each incident the headers of some of its packets, from before and after it was opened, as a pcap file. Bounded. */
import type { Milliseconds } from '../../probes/probe.ts';
import { decodeFrame } from '../metering/decode.ts';
import { type AddressWords, isSameAddress } from '../metering/address.ts';
import { FRAME_IP, Header } from '../metering/header.ts';
import type { KeptFrame } from '../metering/keptFrames.ts';
import { parseAddress } from '../tenants/prefix.ts';
import type { Incident, IncidentChange } from './incident.ts';

/** Of an incident. */
const MAX_FRAMES = 200;
const MAX_BEFORE = 100;
const AFTER_MS = 10_000;
/** Remembered of each observation point, for incidents that are still to be opened. */
const MAX_RECENT = 2048;
/** Incidents that are gathered for at once. */
const MAX_GATHERING = 256;
/** An ARP packet and its Ethernet header. */
const OTHER_HEADER_BYTES = 42;

export interface EvidenceOptions {
  readonly directory: { lookup(...words: AddressWords): number };
  readonly tenantIds: readonly string[];
  onFile(id: string, pcap: Uint8Array<ArrayBuffer>): void;
}

/** Whose packets are an incident's. */
interface Subject {
  /** Addresses that must both be among a packet's ends. */
  readonly addresses: readonly AddressWords[];
  /** The tenant's number, where no address is known. */
  readonly tenant: number;
}

interface Gathering {
  readonly subject: Subject;
  readonly frames: KeptFrame[];
  readonly untilMs: Milliseconds;
  readonly point: string;
}

export class EvidenceFrames {
  readonly #options: EvidenceOptions;
  readonly #recent = new Map<string, KeptFrame[]>();
  /** By incident. */
  readonly #gathering = new Map<string, Gathering>();
  readonly #header = new Header();

  constructor(options: EvidenceOptions) {
    this.#options = options;
  }

  /** What a point has kept since it was last asked, before the changes of the window that ends at `endMs`. */
  observe(point: string, frames: readonly KeptFrame[], endMs: Milliseconds): void {
    const recent = [...(this.#recent.get(point) ?? []), ...frames];
    this.#recent.set(point, recent.slice(-MAX_RECENT));
    for (const [id, gathering] of this.#gathering) {
      if (gathering.point !== point) continue;
      this.#gather(gathering, frames);
      if (gathering.frames.length >= MAX_FRAMES || endMs >= gathering.untilMs) this.#finish(id, gathering);
    }
  }

  take(changes: readonly IncidentChange[]): void {
    for (const { event, incident } of changes) {
      if (event === 'opened') this.#begin(incident);
      const gathering = this.#gathering.get(incident.id);
      if (event === 'closed' && gathering !== undefined) this.#finish(incident.id, gathering);
    }
  }

  /** All that is still gathered, as at a stop. */
  finish(): void {
    for (const [id, gathering] of this.#gathering) this.#finish(id, gathering);
  }

  #begin(incident: Incident): void {
    const recent = this.#recent.get(incident.observationPoint);
    if (recent === undefined || this.#gathering.size >= MAX_GATHERING) return;
    const gathering: Gathering = {
      subject: this.#subjectOf(incident),
      frames: [],
      untilMs: Date.parse(incident.lastSeen) + AFTER_MS,
      point: incident.observationPoint,
    };
    this.#gather(gathering, recent);
    // The last ones: those before may be from before it began.
    gathering.frames.splice(0, Math.max(0, gathering.frames.length - MAX_BEFORE));
    this.#gathering.set(incident.id, gathering);
  }

  #subjectOf({ victim, offender, tenant }: Incident): Subject {
    const addresses = [victim, offender].map((end) => (end === null ? null : parseAddress(end)));
    return {
      addresses: addresses.filter((words) => words !== null),
      tenant: this.#options.tenantIds.indexOf(tenant) + 1,
    };
  }

  #gather({ subject, frames }: Gathering, from: readonly KeptFrame[]): void {
    for (const frame of from) {
      if (frames.length >= MAX_FRAMES) return;
      const length = this.#headersOf(frame, subject);
      if (length > 0) frames.push({ ...frame, bytes: frame.bytes.slice(0, length) });
    }
  }

  /** Bytes of its headers, if it is the subject's; 0: it is not. */
  #headersOf({ bytes, wireLength, linkType }: KeptFrame, { addresses, tenant }: Subject): number {
    const header = this.#header;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const kind = decodeFrame(view, 0, bytes.length, wireLength, linkType, header);
    const source: AddressWords = [header.source0, header.source1, header.source2, header.source3];
    const target: AddressWords = [header.destination0, header.destination1, header.destination2, header.destination3];
    const { directory } = this.#options;
    const isIts =
      addresses.length > 0
        ? addresses.every((address) => isSameAddress(address, source) || isSameAddress(address, target))
        : directory.lookup(...source) === tenant || directory.lookup(...target) === tenant;
    if (!isIts) return 0;
    return kind === FRAME_IP ? Math.min(header.headerLength, bytes.length) : Math.min(OTHER_HEADER_BYTES, bytes.length);
  }

  #finish(id: string, { frames }: Gathering): void {
    this.#gathering.delete(id);
    if (frames.length > 0) this.#options.onFile(id, pcapOf(frames));
  }
}

const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
const SNAP_LENGTH = 65_535;

/** Classic pcap of microseconds (draft-ietf-opsawg-pcap), of the first frame's link type; frames of another are left out. */
function pcapOf(frames: readonly KeptFrame[]): Uint8Array<ArrayBuffer> {
  const [first] = frames;
  const same = frames.filter(({ linkType }) => linkType === first?.linkType);
  const size = same.reduce((sum, { bytes }) => sum + RECORD_HEADER_BYTES + bytes.length, FILE_HEADER_BYTES);
  const file = new Uint8Array(size);
  const view = new DataView(file.buffer);
  view.setUint32(0, 0xa1b2c3d4, true);
  view.setUint16(4, 2, true);
  view.setUint16(6, 4, true);
  view.setUint32(16, SNAP_LENGTH, true);
  view.setUint32(20, first?.linkType ?? 1, true);
  let at = FILE_HEADER_BYTES;
  for (const { timeMs, wireLength, bytes } of same.toSorted((a, b) => a.timeMs - b.timeMs)) {
    const us = Math.round(timeMs * 1000);
    view.setUint32(at, Math.floor(us / 1e6), true);
    view.setUint32(at + 4, us % 1e6, true);
    view.setUint32(at + 8, bytes.length, true);
    view.setUint32(at + 12, wireLength, true);
    file.set(bytes, at + RECORD_HEADER_BYTES);
    at += RECORD_HEADER_BYTES + bytes.length;
  }
  return file;
}
