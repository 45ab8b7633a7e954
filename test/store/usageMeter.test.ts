import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { BYTES_UDP, INBOUND, OUTBOUND, ROW } from '../../daemon/metering/window.ts';
import { LevelMeter } from '../../daemon/store/levelMeter.ts';
import { UsageMeter } from '../../daemon/store/usageMeter.ts';
import { USAGE_COLUMNS } from '../../daemon/store/writes.ts';

const TENANTS = 3;
const MINUTE_MS = 60_000;

const totalsOf = (): Float64Array => new Float64Array((TENANTS + 1) * 2 * ROW);

function count(totals: Float64Array, tenant: number, direction: number, packets: number, bytes: number): void {
  const row = (tenant * 2 + direction) * ROW;
  totals[row] = (totals[row] ?? 0) + packets;
  totals[row + BYTES_UDP] = (totals[row + BYTES_UDP] ?? 0) + bytes;
}

const isWatched = (tenant: number): boolean => tenant !== 3;

describe('UsageMeter', () => {
  it('tells the traffic at once, silent tenants once a minute, and nothing of those that nobody watches', () => {
    const meter = new UsageMeter(TENANTS);
    const totals = totalsOf();
    const take = (nowMs: number) =>
      meter.take(totals, isWatched, nowMs, 1000).map(({ minute, rows }) => [minute, [...rows]]);
    assert.deepEqual(take(58_000), []);
    count(totals, 1, INBOUND, 2, 300);
    count(totals, 1, OUTBOUND, 1, 100);
    assert.deepEqual(take(59_000), [[0, [2000, 300, 2, 100, 1, ...Array(10).fill(0)]]]);
    assert.deepEqual(take(60_000), []);
    assert.deepEqual(take(61_000), [[0, [1000, 0, 0, 0, 0, 3000, ...Array(9).fill(0)]]]);
    assert.deepEqual(
      meter.settle().map(({ minute, rows }) => [minute, [...rows]]),
      [[1, [1000, 0, 0, 0, 0, 1000, ...Array(9).fill(0)]]],
    );
    assert.deepEqual(meter.settle(), []);
  });

  it('tells all that was counted, and all the time that was watched, whenever it is asked', () => {
    const step = fc.record({
      tenant: fc.integer({ min: 1, max: TENANTS }),
      bytes: fc.nat(10_000),
      ms: fc.integer({ min: 250, max: 30_000 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
        const meter = new UsageMeter(TENANTS);
        const totals = totalsOf();
        const sums = new Float64Array(TENANTS * USAGE_COLUMNS.length);
        let nowMs = 5 * MINUTE_MS;
        const writes = steps.flatMap(({ tenant, bytes, ms }) => {
          count(totals, tenant, INBOUND, 1, bytes);
          nowMs += ms;
          return meter.take(totals, () => true, nowMs, ms);
        });
        for (const { rows } of [...writes, ...meter.settle()])
          rows.forEach((value, i) => (sums[i] = (sums[i] ?? 0) + value));
        for (let tenant = 1; tenant <= TENANTS; tenant++) {
          const own = steps.filter((each) => each.tenant === tenant);
          const [knownMs, inBytes, inPackets] = sums.subarray((tenant - 1) * USAGE_COLUMNS.length);
          assert.equal(
            inBytes,
            own.reduce((sum, { bytes }) => sum + bytes, 0),
          );
          assert.equal(inPackets, own.length);
          assert.equal(knownMs, nowMs - 5 * MINUTE_MS);
        }
      }),
    );
  });
});

const level = (tenant: string, value: number) => ({ signature: 's', tenant, direction: 'inbound', value }) as const;

describe('LevelMeter', () => {
  it('tells what has grown in the minute, and begins anew with the next', () => {
    const meter = new LevelMeter();
    for (const value of [5, 3, 7]) meter.note(level('acme', value));
    assert.deepEqual(meter.take(1000), [{ kind: 'levels', minute: 0, levels: [level('acme', 7)] }]);
    meter.note(level('acme', 7));
    assert.deepEqual(meter.take(2000), []);
    meter.note(level('acme', 8));
    assert.deepEqual(meter.take(3000), [{ kind: 'levels', minute: 0, levels: [level('acme', 8)] }]);
    assert.deepEqual(meter.take(MINUTE_MS), []);
    meter.note(level('acme', 1));
    assert.deepEqual(meter.take(MINUTE_MS + 1000), [{ kind: 'levels', minute: 1, levels: [level('acme', 1)] }]);
  });

  it('has room for 2,048 in a minute, and counts the others', () => {
    const meter = new LevelMeter();
    for (let i = 0; i < 5000; i++) meter.note(level(`t${i}`, 1));
    assert.equal(meter.take(1000)[0]?.levels.length, 2048);
    assert.equal(meter.refused, 2952);
  });
});
