/** What the tests use of pcap-parser 0.2.1, which comes without types. */
declare module 'pcap-parser' {
  import type { EventEmitter } from 'node:events';

  export interface ParsedPacket {
    readonly header: {
      readonly timestampSeconds: number;
      readonly timestampMicroseconds: number;
      readonly capturedLength: number;
      readonly originalLength: number;
    };
    readonly data: Buffer;
  }

  /** Emits `packet` (ParsedPacket), `end` and `error`. */
  export function parse(input: string | NodeJS.ReadableStream): EventEmitter;
}
