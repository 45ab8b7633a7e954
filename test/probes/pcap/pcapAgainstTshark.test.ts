import assert from 'node:assert/strict';
import { basename } from 'node:path';
import { allCapturesOrPending } from '../../support/captures.ts';
import { type Dissection, dissect, dissectOne } from '../../support/tshark.ts';
import { type ReadFrame, readFile } from './captureFile.ts';

const FIELDS = ['frame.time_epoch', 'frame.cap_len', 'frame.len', 'frame.encap_type'];

/** Wireshark's own numbers of link types (wiretap/wtap.h), and those that stand in files. */
const LINK_TYPES: ReadonlyMap<number, number> = new Map([
  [1, 1], // Ethernet
  [3, 8], // SLIP
  [4, 9], // PPP
  [6, 10], // FDDI
  [7, 101], // raw IP
  [9, 129], // ARCNET of Linux
  [10, 100], // ATM
  [11, 106], // classical IP over ATM
  [13, 123], // SunATM
  [15, 0], // BSD loopback
  [20, 105], // 802.11
  [23, 127], // 802.11 with radiotap
  [25, 113], // Linux cooked
  [26, 107], // frame relay
  [28, 104], // Cisco HDLC
  [47, 149], // USER2
  [104, 195], // 802.15.4
  [129, 228], // IPv4
  [130, 229], // IPv6
  [141, 239], // NFLOG
  [158, 253], // netlink
  [210, 276], // Linux cooked 2
]);
/** tshark counts four bytes before the packet as none of it. */
const SUN_ATM = 123;

/** Link types that tshark does not read: frame relay by FRF.16, and two of Juniper. */
const FOREIGN_TO_TSHARK =
  /(?:frf16_magic_ie-oobr|hoobr_juniper3|juniper_monitor_invalid_cookie_length|vtp_asan|vtp_asan-2|vtp_asan-3)\.pcap$/;
/** tshark takes it for a file of Nokia's, and finds a packet more of 1 MiB; tcpdump reads it as we do. */
const FOREIGN_TO_BOTH = /pp-solaris\.snoop$|su-fuzz\.pcap$/;
/** In the middle of its second packet. */
const CUT = /nd-fuzz-2021-10-13\.pcap$/;
/** Fractions of more than a second: what tshark makes of them overflows 32 bits. */
const WITHOUT_TIME =
  /nd-fuzz-2021-06-07-c6c72a0a56\.pcap$|nd-fuzz-2021-10-13\.pcap$|oam-loopback-print-overrun\.pcap$|timestamp_invalid_nano\.pcap$/;
/** As much as tshark says of a length. */
const MOST_BYTES = 2 ** 31 - 1;
/** What a double of milliseconds resolves at the end of the century: 0.25 µs. */
const RESOLUTION_MS = 0.00026;

interface Packet {
  readonly captured: number;
  readonly wireLength: number;
  readonly linkType: number;
}

const ours = ({ bytes, wireLength, linkType }: ReadFrame): Packet => ({
  captured: bytes.length / 2,
  wireLength: Math.min(wireLength, MOST_BYTES),
  linkType,
});

function theirs(fields: Dissection): Packet {
  const linkType = LINK_TYPES.get(Number(fields.get('frame.encap_type'))) ?? -1;
  const notCounted = linkType === SUN_ATM ? 4 : 0;
  const captured = Number(fields.get('frame.cap_len')) + notCounted;
  return { captured, wireLength: Math.max(captured, Number(fields.get('frame.len')) + notCounted), linkType };
}

/** Exact as far as doubles are: whole seconds are taken off before the fraction. */
function lagMs({ timeMs }: ReadFrame, fields: Dissection): number {
  const [, seconds, nanoseconds] = /^(-?\d+)\.(\d{9})$/.exec(fields.get('frame.time_epoch') ?? '') ?? assert.fail();
  return timeMs - Number(seconds) * 1000 - Number(nanoseconds) / 1e6;
}

function assertSame(path: string, dissections: readonly Dissection[]): void {
  const { frames } = readFile(path);
  assert.equal(frames.length, dissections.length, path);
  frames.forEach((frame, i) => {
    const fields = dissections[i] ?? assert.fail();
    const where = `${basename(path)}: packet ${i + 1}`;
    assert.deepEqual(ours(frame), theirs(fields), where);
    if (!WITHOUT_TIME.test(path)) assert(Math.abs(lagMs(frame, fields)) <= RESOLUTION_MS, where);
  });
}

describe('openPcap', () => {
  it('reads of every capture the packets, times, lengths and link types that tshark reads', async function () {
    this.timeout(120_000);
    const all = allCapturesOrPending(this);
    const paths = all.filter((path) => ![FOREIGN_TO_TSHARK, FOREIGN_TO_BOTH, CUT].some((name) => name.test(path)));
    const dissections = await dissect(paths, FIELDS);
    assert(dissections.size >= 215, `${dissections.size} captures`);
    for (const [path, packets] of dissections) assertSame(path, packets);
    const cut = all.find((path) => CUT.test(path)) ?? assert.fail();
    assertSame(cut, dissectOne(cut, FIELDS));
  });
});
