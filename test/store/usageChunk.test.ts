import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { decodeUsage, encodeUsage, sumUsage } from '../../daemon/store/usageChunk.ts';

const number = fc.oneof(fc.nat(300), fc.nat(), fc.maxSafeNat());
const point = fc.record(
  {
    knownMs: fc.integer({ min: 1, max: 3_600_000 }),
    inBytes: number,
    inPackets: number,
    outBytes: number,
    outPackets: number,
  },
  { noNullPrototype: true },
);
const points = fc.array(fc.option(point), { maxLength: 24 });

describe('usage chunks', () => {
  it('decode to what was encoded, what is unknown as unknown', () => {
    fc.assert(fc.property(points, (each) => assert.deepEqual(decodeUsage(encodeUsage(each), each.length), each)));
  });

  it('decode any bytes to as many points as are asked for', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(24), (bytes, count) => {
        assert.equal(decodeUsage(bytes, count).length, count);
      }),
    );
  });

  it('take 18 bytes for five minutes of 2 Mbit/s', () => {
    const usual = { knownMs: 300_000, inBytes: 75e6, inPackets: 150_000, outBytes: 75e6, outPackets: 150_000 };
    assert.equal(encodeUsage([usual]).length, 17);
    assert.equal(encodeUsage([null]).length, 1);
  });

  it('are summed up without what is unknown', () => {
    const one = { knownMs: 1, inBytes: 2, inPackets: 3, outBytes: 4, outPackets: 5 };
    assert.deepEqual(sumUsage([null, one, null, one]), {
      knownMs: 2,
      inBytes: 4,
      inPackets: 6,
      outBytes: 8,
      outPackets: 10,
    });
    assert.equal(sumUsage([null, null]), null);
  });
});
