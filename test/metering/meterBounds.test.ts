import assert from 'node:assert/strict';
import { type AddressWords, hashAddress } from '../../daemon/metering/address.ts';
import type { CounterTable } from '../../daemon/metering/counterTable.ts';
import { Meter } from '../../daemon/metering/meter.ts';
import { TABLES, rowPackets, Window } from '../../daemon/metering/window.ts';
import { parseAddress } from '../../daemon/tenants/prefix.ts';
import type { FrameBlock } from '../../probes/probe.ts';
import { blockOf, frame, readdress } from '../support/frames.ts';
import { randomFrom } from '../support/random.ts';

const SEED = 0x5eed;
const PACKETS = 1_000_000;
const BLOCK = 4000;
/** One packet in so many is of the one address that is busy. */
const HEAVY_EVERY = 50;
const HEAVY = PACKETS / HEAVY_EVERY;

const ends = {
  4: { source: '192.0.2.1', destination: '198.51.100.9' },
  6: { source: '2001:db8:f::1', destination: '2001:db8:8::9' },
} as const;

const window = new Window({ tenants: 1, ...TABLES.internet });
const meter = new Meter({ lookup: () => 0 }, window, { seed: SEED });

const blockOfFrames = (family: 4 | 6): FrameBlock =>
  blockOf(Array.from({ length: BLOCK }, () => ({ bytes: frame({ ...ends[family], protocol: 'udp' }) })));

/** All packets but the busy address' have random ones at that end, and those come `rounds` times each. */
function flood(block: FrameBlock, family: 4 | 6, end: 'source' | 'destination', rounds: number): Window {
  const random = randomFrom(1);
  meter.open(window, 0);
  for (let sent = 0; sent < PACKETS; sent += BLOCK * rounds) {
    for (let i = 0; i < BLOCK; i++) if (i % HEAVY_EVERY !== 0) readdress(block, i, family, end, random);
    for (let round = 0; round < rounds; round++) meter.observeFrames(block, 0, BLOCK);
  }
  return meter.closeWindow(250, PACKETS, 0);
}

function packetsOf(table: CounterTable, text: string): number {
  const words: AddressWords = parseAddress(text) ?? assert.fail(text);
  const line = table.find(hashAddress(SEED, ...words), ...words);
  return line < 0 ? 0 : table.packets(line);
}

describe('Meter', () => {
  for (const family of [4, 6] as const)
    for (const [end, tableName, lines] of [
      ['source', 'sources', 2 ** TABLES.internet.sourceBits],
      ['destination', 'targets', 2 ** TABLES.internet.targetBits],
    ] as const) {
      it(`holds its tables' size under ${PACKETS} packets of random IPv${family} ${end}s, and keeps the busy one`, () => {
        const seen = flood(blockOfFrames(family), family, end, 2);
        const table = seen[tableName];
        const busy = packetsOf(table, ends[family][end]);
        assert.equal(table.used().length, lines);
        assert.equal(new Set(table.used()).size, lines);
        // Of each two packets with an address the second gets a line, which it takes from another.
        const secondPackets = (PACKETS - HEAVY) / 2;
        assert(table.evictions >= secondPackets - lines, `${table.evictions} evictions`);
        assert(table.evictions + lines <= PACKETS, `${table.evictions} evictions`);
        assert(busy <= HEAVY && busy > HEAVY * 0.99, `${busy} of ${HEAVY} packets`);
        assert.equal(rowPackets(seen.totals, 0), PACKETS);
      });

      it(`keeps random IPv${family} ${end}s that come once outside the table`, () => {
        const seen = flood(blockOfFrames(family), family, end, 1);
        const table = seen[tableName];
        const entered = table.used().length + table.evictions;
        // A million bits of the doorkeeper, of which a million addresses set 63 %; on the way there, 37 % are let in.
        assert(entered < PACKETS * 0.4, `${entered} lines taken`);
        assert(packetsOf(table, ends[family][end]) > HEAVY * 0.99);
      });
    }

  it('allocates nothing per packet', () => {
    const block = blockOfFrames(4);
    flood(block, 4, 'source', 10);
    const before = process.memoryUsage();
    flood(block, 4, 'source', 250);
    const after = process.memoryUsage();
    assert.equal(after.arrayBuffers, before.arrayBuffers);
    // An object or a boxed number is at least 12 bytes.
    const bytes = (after.heapUsed - before.heapUsed) / PACKETS;
    assert(bytes < 2, `${bytes} bytes a packet`);
  });
});
