import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { FRAME_CHECKSUM_PENDING, FRAME_OUTGOING, LINKTYPE_ETHERNET } from '../../../probes/probe.ts';
import { makeRingBlock, readBlock, type RingBlock } from '../../../probes/ring/blockReader.ts';

const BLOCK_BYTES = 4096;
/** Where the kernel puts an Ethernet frame behind its tpacket3_hdr, with a virtio header in between. */
const MAC = 92;

interface Packet {
  readonly captured: number;
  readonly wire?: number;
  readonly status?: number;
  readonly vlan?: readonly [tpid: number, tci: number];
  readonly packetType?: number;
  readonly gso?: readonly [type: number, size: number];
}

/** A block as af_packet.c writes it, second in a ring of two. */
function writeBlock(packets: readonly Packet[]): ArrayBuffer {
  const ring = new ArrayBuffer(2 * BLOCK_BYTES);
  const view = new DataView(ring, BLOCK_BYTES);
  const u32 = (at: number, value: number): void => view.setUint32(at, value, true);
  const u16 = (at: number, value: number): void => view.setUint16(at, value, true);
  u32(8, 1);
  u32(12, packets.length);
  u32(16, 48);
  let at = 48;
  packets.forEach((packet, i) => {
    const length = Math.ceil((MAC + packet.captured) / 8) * 8;
    u32(at, i === packets.length - 1 ? 0 : length);
    u32(at + 4, 4_000_000_000); // past 2038
    u32(at + 8, 123_456_789);
    u32(at + 12, packet.captured);
    u32(at + 16, packet.wire ?? packet.captured);
    u32(at + 20, packet.status ?? 1);
    u16(at + 24, MAC);
    u32(at + 32, packet.vlan?.[1] ?? 0);
    u16(at + 36, packet.vlan?.[0] ?? 0);
    view.setUint8(at + 58, packet.packetType ?? 0);
    view.setUint8(at + MAC - 9, packet.gso?.[0] ?? 0);
    u16(at + MAC - 6, packet.gso?.[1] ?? 0);
    view.setUint8(at + MAC, i);
    at += length;
  });
  return ring;
}

function read(ring: ArrayBuffer): { block: RingBlock; unread: number } {
  const block = makeRingBlock(ring, LINKTYPE_ETHERNET, BLOCK_BYTES);
  const unread = readBlock(new Uint32Array(ring), BLOCK_BYTES, 2 * BLOCK_BYTES, block);
  return { block, unread };
}

describe('readBlock', () => {
  it('lists the frames in order, with lengths, times and where they lie', () => {
    const { block, unread } = read(writeBlock([{ captured: 60 }, { captured: 128, wire: 1514 }, { captured: 61 }]));
    assert.equal(unread, 0);
    assert.equal(block.count, 3);
    assert.deepEqual([...block.capturedLengths.subarray(0, 3)], [60, 128, 61]);
    assert.deepEqual([...block.wireLengths.subarray(0, 3)], [60, 1514, 61]);
    assert.deepEqual(
      [0, 1, 2].map((i) => block.bytes[block.offsets[i]!]),
      [0, 1, 2],
    );
    assert.ok(Math.abs(block.timesMs[0]! - 4_000_000_000_123.456) < 0.001);
  });

  const VLAN = 1 << 4;
  const TPID = 1 << 6;
  const cases: readonly [string, Packet, Partial<Record<'wire' | 'vlan' | 'segment' | 'flags', number>>][] = [
    [
      'a stripped tag with its TPID',
      { captured: 60, status: VLAN | TPID, vlan: [0x88a8, 7] },
      { wire: 64, vlan: 0x88a8_0007 },
    ],
    ['a stripped tag without a TPID', { captured: 60, status: VLAN, vlan: [0, 7] }, { wire: 64, vlan: 0x8100_0007 }],
    [
      'priority and DEI of a tag',
      { captured: 60, status: VLAN | TPID, vlan: [0x8100, 0xf005] },
      { wire: 64, vlan: 0x8100_f005 },
    ],
    ['no tag where the fields are stale', { captured: 60, vlan: [0x8100, 7] }, {}],
    ['the segment size of a super-packet', { captured: 60, gso: [1, 1448] }, { segment: 1448 }],
    ['the segment size of one with ECN', { captured: 60, gso: [0x84, 1428] }, { segment: 1428 }],
    ['no segment size without a GSO type', { captured: 60, gso: [0, 1448] }, {}],
    ['its own frames', { captured: 60, packetType: 4 }, { flags: FRAME_OUTGOING }],
    ['frames for other hosts as received', { captured: 60, packetType: 3 }, {}],
    ['an unfinished checksum', { captured: 60, status: 1 | (1 << 3) }, { flags: FRAME_CHECKSUM_PENDING }],
  ];
  for (const [what, packet, { wire = 60, vlan = 0, segment = 0, flags = 0 }] of cases) {
    it(`tells ${what}`, () => {
      const { block } = read(writeBlock([packet]));
      assert.deepEqual(
        [block.count, block.wireLengths[0], block.vlanTags[0], block.segmentSizes[0], block.flags[0]],
        [1, wire, vlan, segment, flags],
      );
    });
  }

  it('has room for a block full of the smallest frames', () => {
    const most = Math.floor((BLOCK_BYTES - 48) / 96);
    const { block, unread } = read(writeBlock(Array.from({ length: most }, () => ({ captured: 1 }))));
    assert.deepEqual([block.count, unread], [most, 0]);
  });

  it('stays inside the block and counts the rest whatever its memory holds', () => {
    const packets = fc.array(fc.record({ captured: fc.nat({ max: 200 }) }), { minLength: 1, maxLength: 12 });
    const damage = fc.array(fc.tuple(fc.nat({ max: BLOCK_BYTES - 1 }), fc.nat({ max: 255 })), { maxLength: 40 });
    const fields = fc.array(fc.tuple(fc.constantFrom(12, 16, 48, 60, 64, 72), fc.integer()), { maxLength: 3 });
    fc.assert(
      fc.property(packets, damage, fields, (written, broken, values) => {
        const ring = writeBlock(written);
        const view = new DataView(ring, BLOCK_BYTES);
        for (const [at, byte] of broken) view.setUint8(at, byte);
        for (const [at, value] of values) view.setInt32(at, value, true);
        const { block, unread } = read(ring);
        assert.ok(block.count >= 0 && block.count <= block.offsets.length && unread >= 0);
        for (let i = 0; i < block.count; i++) {
          assert.ok(block.offsets[i]! >= BLOCK_BYTES + 48);
          assert.ok(block.offsets[i]! + block.capturedLengths[i]! <= 2 * BLOCK_BYTES);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
