/** The message that is being decoded: one object for all of them, filled again and again. */
import type { FlowOrigin } from '../flow.ts';
import type { Milliseconds } from '../probe.ts';

/** Why a message could not be read (further); whatever was readable before it has been handed over. */
export type Malformed =
  | 'versionUnknown'
  | 'headerTruncated'
  /** The header tells of more records or octets than there are. */
  | 'messageTruncated'
  /** It tells of fewer octets than it has itself. */
  | 'messageLength'
  | 'setLength'
  | 'setReserved'
  | 'templateTruncated'
  /** Over UDP, where nobody may withdraw a template (RFC 7011 section 8.4): it is kept. */
  | 'templateWithdrawal'
  | 'templateId'
  /** Its records would have no octets, or more than a message. */
  | 'templateSize'
  | 'tooManyFields'
  | 'tooManyTemplates'
  | 'tooManyRecords'
  | 'recordTruncated'
  | 'sampleTruncated'
  | 'sampleLength'
  | 'tooManySamples'
  | 'addressType';

/** A message that holds more is read so far: no datagram takes longer than about a millisecond. */
export const MAX_RECORDS = 4096;

/** All datagrams of an exporter; a TCP connection is a session of its own (RFC 7011 section 2). */
export const UDP_SESSION = 0;

export class Message implements FlowOrigin {
  exporter = '';
  protocol: FlowOrigin['protocol'] = 'netflow5';
  observationDomainId = 0;
  exportTimeMs: Milliseconds = 0;
  /** By our clock. */
  receivedMs: Milliseconds = 0;
  /** Of the TCP connection that it came over; UDP_SESSION: none. */
  session = UDP_SESSION;
  /** How many new templates of it may be taken yet, and octets of them. */
  templatesLeft = 0;
  templateOctetsLeft = 0;
  mayMakeRoom = true;
  /** Milliseconds since the exporter's start, modulo 2^32, at the export time; not of IPFIX and sFlow. */
  sysUptime = 0;
  bytes: Uint8Array = new Uint8Array(0);
  view: DataView = new DataView(new ArrayBuffer(0));
  /** The message is bytes[start … end - 1]. */
  start = 0;
  end = 0;

  open(
    exporter: string,
    bytes: Uint8Array,
    start: number,
    length: number,
    receivedMs: Milliseconds,
    session: number,
  ): void {
    if (bytes !== this.bytes) {
      this.bytes = bytes;
      this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    this.exporter = exporter;
    this.start = start;
    this.end = start + length;
    this.receivedMs = receivedMs;
    this.session = session;
  }
}
