/** The classic pcap format (draft-ietf-opsawg-pcap): file header and record headers, in both byte orders and both resolutions. */
import { DecodeError } from '../decodeError.ts';

export const FILE_HEADER_BYTES = 24;
export const RECORD_HEADER_BYTES = 16;
/** libpcap's MAXIMUM_SNAPLEN: no record holds more, so a longer one is a corrupt length. */
export const MAX_RECORD_BYTES = 262_144;

export interface PcapFormat {
  readonly littleEndian: boolean;
  /** Milliseconds in one unit of a time stamp's fraction. */
  readonly msPerFraction: number;
  readonly linkType: number;
}

const MAGIC_MICROSECONDS = 0xa1b2c3d4;
const MAGIC_NANOSECONDS = 0xa1b23c4d;

/** Reads the file header at the start of `view`; throws DecodeError when it is none. */
export function parseFileHeader(view: DataView, subject: string): PcapFormat {
  if (view.byteLength < FILE_HEADER_BYTES) throw new DecodeError(subject, 'file header truncated', view.byteLength);
  for (const littleEndian of [true, false]) {
    const magic = view.getUint32(0, littleEndian);
    if (magic !== MAGIC_MICROSECONDS && magic !== MAGIC_NANOSECONDS) continue;
    return {
      littleEndian,
      msPerFraction: magic === MAGIC_NANOSECONDS ? 1e-6 : 1e-3,
      // The upper bits tell about a frame check sequence.
      linkType: view.getUint32(20, littleEndian) & 0xffff,
    };
  }
  throw new DecodeError(subject, 'not a pcap file', 0);
}
