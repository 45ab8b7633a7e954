import assert from 'node:assert/strict';
import { Meter } from '../../../daemon/metering/meter.ts';
import { Tick } from '../../../daemon/metering/tick.ts';
import { INBOUND, OUTBOUND, TABLES, Window } from '../../../daemon/metering/window.ts';
import { TenantDirectory } from '../../../daemon/tenants/directory.ts';
import type { Activity } from './agenda.ts';
import { MONDAY, SECOND } from './calendar.ts';
import { type FrameWriter, TCP } from './frameWriter.ts';
import { run } from './simulate.ts';
import { Call, Stream } from './streams.ts';

const ENDS = { from: 0xc6336408, to: 0xcb007101, fromPort: 10_000, toPort: 20_000 };
const TENANT = {
  id: 'acme',
  addresses: ['198.51.100.8/29'],
  macs: [],
  plan: { portBps: null, guaranteed: false, threshold: null, limitBps: null },
};
const SECONDS = 10;
const SPAN = { startMs: MONDAY, endMs: MONDAY + SECONDS * SECOND };

/** What the meter makes of it: bytes and packets of the tenant, each way. */
function metered(activity: (writer: FrameWriter) => Activity) {
  const window = new Window({ tenants: 1, ...TABLES.internet });
  const bytes = [0, 0];
  let packets = 0;
  const tick = new Tick({
    meter: new Meter(new TenantDirectory([TENANT]), window),
    nextWindow: () => window,
    onWindow: () => {
      for (const way of [OUTBOUND, INBOUND]) bytes[way] = (bytes[way] ?? 0) + window.tenantBytes(1, way);
      packets += window.totals[0] ?? 0;
    },
    dropped: () => 0,
  });
  run(
    SPAN,
    (writer, agenda) => agenda.add(activity(writer), MONDAY),
    (block) => tick.observe(block),
  );
  tick.finish();
  return { outbound: bytes[OUTBOUND] ?? 0, inbound: bytes[INBOUND] ?? 0, udpPackets: packets };
}

describe('Stream', () => {
  for (const rateBps of [64e3, 1e6, 80e6, 2e9]) {
    it(`comes to ${rateBps} bit/s in the meter`, () => {
      const transfer = {
        protocol: TCP,
        rateBpsAt: () => rateBps,
        endMs: SPAN.endMs,
        packetsPerAcknowledgement: 1e9,
      } as const;
      const { outbound } = metered((writer) => new Stream(writer, ENDS, transfer));
      const measured = (outbound * 8) / SECONDS;
      // The last step's share, and what does not fill a segment, are not sent any more.
      assert.ok(Math.abs(measured - rateBps) < rateBps * 0.05 + 1500 * 8, `${measured} bit/s`);
    });
  }
});

describe('Call', () => {
  it('is 50 packets of 214 bytes a second each way', () => {
    const { outbound, inbound, udpPackets } = metered((writer) => new Call(writer, ENDS, SPAN.endMs, () => undefined));
    assert.equal(udpPackets, 2 * 50 * SECONDS);
    assert.deepEqual([outbound, inbound], [214 * 50 * SECONDS, 214 * 50 * SECONDS]);
  });
});
