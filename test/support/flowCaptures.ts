/** The datagrams of real flow exporters, of the captures beside the repository: in groups, templates before their data. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { formatAddress } from '../../daemon/metering/address.ts';
import { CAPTURES, type CapturedFrame, capturesOrPending, readCapture } from './captures.ts';

export interface FlowDatagram {
  /** Its source address; of a .dat file, which is the payload alone, one of our own. */
  readonly exporter: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** What belongs together: a capture, or the files of one device. */
export interface FlowCapture {
  readonly name: string;
  readonly datagrams: readonly FlowDatagram[];
}

const FOLDER = 'netflow';
const OWN_EXPORTER = '192.0.2.1';
/** LINKTYPE_LINUX_SLL; all others of the folder are Ethernet. */
const SLL = 113;
const UDP = 17;

export const flowCapturesOrPending = (context: Mocha.Context): FlowCapture[] =>
  flowCapturesOf(capturesOrPending(context, FOLDER));

/** Without the folder: none. */
export function flowCaptures(): FlowCapture[] {
  const folder = join(CAPTURES, FOLDER);
  return existsSync(folder) ? flowCapturesOf(readdirSync(folder).map((name) => join(folder, name))) : [];
}

function flowCapturesOf(paths: readonly string[]): FlowCapture[] {
  const groups = Map.groupBy(paths.toSorted(templatesFirst), (path) => deviceOf(basename(path)));
  return [...groups]
    .map(([name, files]) => ({ name, datagrams: files.flatMap(datagramsOf) }))
    .filter(({ datagrams }) => datagrams.length > 0);
}

/** `ls-netflow9_test_cisco_asr9k` of `ls-netflow9_test_cisco_asr9k_opttpl256.dat`. */
const deviceOf = (name: string): string => name.replace(/(_(opt)?tpl|_data|_dpi|__traffic|\.).*$/, '');

const templatesFirst = (a: string, b: string): number =>
  Number(b.includes('tpl')) - Number(a.includes('tpl')) || a.localeCompare(b);

function datagramsOf(path: string): FlowDatagram[] {
  if (path.endsWith('.dat')) return [{ exporter: OWN_EXPORTER, bytes: new Uint8Array(readFileSync(path)) }];
  return path.endsWith('.pcap') ? readCapture(path).flatMap((frame) => payloadOf(frame) ?? []) : [];
}

/** Of a UDP datagram over IPv4 or IPv6; null: the frame is none. */
function payloadOf({ bytes, linkType }: CapturedFrame): FlowDatagram | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const ip = linkType === SLL ? 16 : 14;
  const isIPv4 = bytes[ip] === 0x45;
  if (bytes[isIPv4 ? ip + 9 : ip + 6] !== UDP) return null;
  const udp = ip + (isIPv4 ? 20 : 40);
  const word = (i: number): number => view.getInt32(ip + (isIPv4 ? 12 : 8) + i * 4);
  const exporter = isIPv4 ? formatAddress(0, 0, 0xffff, word(0)) : formatAddress(word(0), word(1), word(2), word(3));
  return { exporter, bytes: bytes.slice(udp + 8, udp + view.getUint16(udp + 4)) };
}
