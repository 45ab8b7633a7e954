import assert from 'node:assert/strict';
import { createDetectors } from '../../daemon/detectors/index.ts';
import { Meter } from '../../daemon/metering/meter.ts';
import { Tick } from '../../daemon/metering/tick.ts';
import { TABLES, Window, WINDOW_MS } from '../../daemon/metering/window.ts';
import { blockOf, frame, type FrameSpec, TCP_FLAGS, type TimedFrame } from '../support/frames.ts';
import { testContext } from '../support/windowBuilder.ts';
import { told } from './findings.ts';

const PBX = '198.51.100.9';
const PEER = '203.0.113.1';
const TIMES = { startMs: 1_700_000_000_000, windows: 2 };

type Each = (i: number) => Partial<FrameSpec>;

/** Frames of one window, spread over it. */
const spread = (count: number, each: Each): ((window: number) => TimedFrame[]) => {
  const frames = Array.from({ length: count }, (_, i) => frame({ source: PEER, destination: PBX, ...each(i) }));
  return (window) => frames.map((bytes, i) => ({ bytes, timeMs: TIMES.startMs + (window + i / count) * WINDOW_MS }));
};

/** What the detectors say of the last of two windows, in which the same frames were metered. */
function observe(...flows: readonly ((window: number) => TimedFrame[])[]): string[] {
  const context = testContext();
  const window = new Window({ tenants: context.tenants.length, ...TABLES.internet });
  const detectors = createDetectors({}, context, 'packets');
  let findings: string[] = [];
  const tick = new Tick({
    meter: new Meter(context.directory, window, { seed: context.hashSeed }),
    nextWindow: () => window,
    dropped: () => 0,
    onWindow(closed) {
      const passed = detectors.flatMap((detector) => detector.observe(closed)).filter((f) => f.value >= f.threshold);
      findings = passed.map((finding) => `${finding.signature.id} ${told(finding)}`);
    },
  });
  for (let i = 0; i < TIMES.windows; i++) {
    const frames = flows.flatMap((flow) => flow(i)).toSorted((a, b) => (a.timeMs ?? 0) - (b.timeMs ?? 0));
    tick.observe(blockOf(frames));
  }
  tick.finish();
  return findings;
}

const random = (i: number): string => `2001:db8:f::${(i * 7919).toString(16).slice(-4)}`;
const udp: Partial<FrameSpec> = { protocol: 'udp', payload: 160 };
const back: Partial<FrameSpec> = { source: PBX, destination: PEER };

const cases: [string, ReturnType<typeof spread>[], string[]][] = [
  [
    'a spoofed SYN flood of IPv6',
    [spread(600, (i) => ({ source: random(i), destination: '2001:db8:8::9' }))],
    ['synFlood inbound acme 2001:db8:8::9 by many'],
  ],
  [
    'a SYN flood by a tenant, with ECE and CWR set',
    [spread(600, () => ({ ...back, flags: TCP_FLAGS.syn | TCP_FLAGS.ece | TCP_FLAGS.cwr }))],
    [`synFlood outbound acme ${PEER} by ${PBX}`],
  ],
  ['a port scan', [spread(600, (i) => ({ destinationPort: 1 + i }))], []],
  ['a download', [spread(9000, () => ({ flags: TCP_FLAGS.ack, payload: 1400 })), spread(20, () => ({}))], []],
  [
    'a flood of bare ACKs',
    [spread(9000, () => ({ flags: TCP_FLAGS.ack }))],
    [`tcpFlood inbound acme ${PBX} by ${PEER}`],
  ],
  ['a UDP flood', [spread(6000, () => udp)], [`udpFlood inbound acme ${PBX} by ${PEER}`]],
  ['400 calls over one trunk', [spread(6000, () => udp), spread(6000, () => ({ ...udp, ...back }))], []],
  [
    '400 calls with as many phones',
    [
      spread(6000, (i) => ({ ...udp, source: `203.0.113.${i % 250}` })),
      spread(6000, (i) => ({ ...udp, ...back, destination: `203.0.113.${i % 250}` })),
    ],
    [],
  ],
  ['an ICMP flood', [spread(600, () => ({ protocol: 'icmp' }))], [`icmpFlood inbound acme ${PBX} by ${PEER}`]],
];

describe('detectors behind the meter', () => {
  for (const [title, flows, expected] of cases) {
    it(`${expected.length === 0 ? 'are silent on' : 'name'} ${title}`, () => {
      assert.deepEqual(observe(...flows), expected);
    });
  }
});
