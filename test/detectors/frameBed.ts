/** Frames by packet time, metered as those of a probe, and what is opened by them. */
import { createDetectors } from '../../daemon/detectors/index.ts';
import { Incidents } from '../../daemon/incidents/incidents.ts';
import { Meter } from '../../daemon/metering/meter.ts';
import { Tick } from '../../daemon/metering/tick.ts';
import { TABLES, Window, WINDOW_MS } from '../../daemon/metering/window.ts';
import { blockOf, frame, type FrameSpec, type TimedFrame } from '../support/frames.ts';
import { testContext } from '../support/windowBuilder.ts';

export const PBX = '198.51.100.9';
export const PEER = '203.0.113.1';
/** Where a window begins. */
export const START_MS = 1_700_000_000_000;

const BLOCK = 100;

/** What was opened by the frames, with a window behind them in which there is nothing. */
export function opened(frames: readonly TimedFrame[]): string[] {
  const context = testContext();
  const window = new Window({ tenants: context.tenants.length, ...TABLES.internet });
  const detectors = createDetectors({}, context, 'packets');
  const incidents = new Incidents({ closeAfterMs: 30_000, maxOpen: 100 });
  const told: string[] = [];
  const tick = new Tick({
    meter: new Meter(context.directory, window, { seed: context.hashSeed }),
    nextWindow: () => window,
    dropped: () => 0,
    onWindow({ startMs, endMs }) {
      const findings = detectors.flatMap((detector) => detector.observe(window));
      for (const { event, incident } of incidents.observe('eth0', endMs, endMs - startMs, findings))
        if (event === 'opened')
          told.push(`${incident.signature} ${incident.direction} ${incident.offender} > ${incident.victim}`);
    },
  });
  const sorted = frames.toSorted((a, b) => (a.timeMs ?? 0) - (b.timeMs ?? 0));
  for (let i = 0; i < sorted.length; i += BLOCK) tick.observe(blockOf(sorted.slice(i, i + BLOCK)));
  const endMs = (sorted.at(-1)?.timeMs ?? START_MS) + 2 * WINDOW_MS;
  tick.observe(blockOf([{ ...at(0, { source: PEER, destination: '192.0.2.1' }), timeMs: endMs }]));
  tick.finish();
  return told;
}

export const at = (afterMs: number, spec: FrameSpec): TimedFrame => ({
  bytes: frame(spec),
  timeMs: START_MS + afterMs,
});
export const each = (count: number, make: (i: number) => readonly TimedFrame[]): TimedFrame[] =>
  Array.from({ length: count }, (_, i) => make(i)).flat();
export const stranger = (i: number): string => `203.0.${i >> 8}.${i & 255}`;
