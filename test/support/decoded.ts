/** What the decoder says of a frame, in words that a test can state. */
import { formatAddress } from '../../daemon/metering/address.ts';
import { decodeFrame } from '../../daemon/metering/decode.ts';
import { FRAME_ARP, FRAME_IP, FRAME_OTHER, Header } from '../../daemon/metering/header.ts';
import {
  DECODE_REASONS,
  type DecodeReason,
  PACKET_KINDS,
  type PacketKind,
} from '../../daemon/metering/decodeResult.ts';
import { LINKTYPE_ETHERNET } from '../../probes/probe.ts';

export interface Decoded {
  readonly frame: 'ip' | 'arp' | 'other' | 'unreadable';
  readonly reason: DecodeReason;
  readonly source?: string;
  readonly destination?: string;
  readonly kind?: PacketKind;
  readonly protocol?: number;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly headerLength?: number;
  readonly flags?: number;
}

export interface Lengths {
  readonly captured?: number;
  readonly wireLength?: number;
}

/** Nothing lies in memory behind what was captured: to read on would throw a RangeError. */
export function decoded(bytes: Uint8Array, linkType = LINKTYPE_ETHERNET, lengths: Lengths = {}): Decoded {
  const captured = lengths.captured ?? bytes.length;
  const header = new Header();
  const view = new DataView(bytes.slice(0, captured).buffer);
  const frame = decodeFrame(view, 0, captured, lengths.wireLength ?? bytes.length, linkType, header);
  return describe(frame, header);
}

function describe(frame: number, header: Header): Decoded {
  const reason = DECODE_REASONS[header.reason] ?? 'none';
  const { source0, source1, source2, source3 } = header;
  const { destination0, destination1, destination2, destination3 } = header;
  const addresses = {
    source: formatAddress(source0, source1, source2, source3),
    destination: formatAddress(destination0, destination1, destination2, destination3),
  };
  if (frame === FRAME_ARP) return { frame: 'arp', reason, ...addresses };
  if (frame === FRAME_OTHER) return { frame: 'other', reason };
  if (frame !== FRAME_IP) return { frame: 'unreadable', reason };
  const { protocol, sourcePort, destinationPort, headerLength, flags } = header;
  const kind = PACKET_KINDS[header.kind] ?? 'other';
  return {
    frame: 'ip',
    reason,
    ...addresses,
    kind,
    protocol,
    sourcePort,
    destinationPort,
    headerLength,
    flags,
  };
}
