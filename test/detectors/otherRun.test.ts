import assert from 'node:assert/strict';
import type { DetectorContext, Json } from '../../daemon/detectors/detector.ts';
import { detectorDefinitions } from '../../daemon/detectors/index.ts';
import { WINDOW_MS } from '../../daemon/metering/window.ts';
import { addSightings, type SightingSpec } from '../support/sightings.ts';
import { buildWindow, testContext, testTenant } from '../support/windowBuilder.ts';

const ACME = testTenant('acme', ['198.51.100.8/29']);
const STRANGER = '192.0.2.77';
const BEFORE = testContext([ACME, testTenant('globex', ['198.51.100.16/29'])]);
/** The same tenants, and one before them. */
const AFTER = testContext([testTenant('aaa', ['198.51.100.32/29']), ...BEFORE.tenants]);

/** What is seen in a window, each of them less than is told of. */
const SEEN: Readonly<Record<string, (window: number) => SightingSpec[]>> = {
  portScan: (window) => contacts(window, (i) => ({ initiator: STRANGER, responder: '198.51.100.9', port: 1000 + i })),
  hostSweep: (window) => contacts(window, (i) => ({ initiator: '198.51.100.9', responder: `192.0.2.${i}`, port: 22 })),
  headerAnomaly: () => [{ sighting: 'portZero', initiator: STRANGER, responder: '198.51.100.9', packets: 4 }],
  amplification: (window) =>
    Array.from({ length: 12 }, (_, i) => ({
      sighting: 'response',
      initiator: `192.0.2.${window % 2 === 0 ? i : i + 100}`,
      responder: '198.51.100.9',
      port: 53,
      packets: 30,
      bytes: 1400,
    })),
};

function contacts(
  window: number,
  contact: (i: number) => Pick<SightingSpec, 'initiator' | 'responder' | 'port'>,
): SightingSpec[] {
  return Array.from({ length: 3 }, (_, i) => contact(window * 3 + i)).flatMap((pair): SightingSpec[] => [
    { sighting: 'syn', ...pair },
    { sighting: 'refused', of: 'syn', ...pair },
  ]);
}

function create(id: string, context: DetectorContext) {
  const definition = detectorDefinitions.find((each) => each.id === id);
  assert(definition !== undefined);
  const detector = definition.create(definition.config.parse({}), context);
  return {
    detector,
    observe(windows: number[]) {
      return windows.flatMap((index) => {
        const window = buildWindow([], { context, startMs: index * WINDOW_MS });
        addSightings(window, context, SEEN[id]?.(index) ?? []);
        return detector.observe(window);
      });
    },
  };
}

const parties = ({
  tenant,
  direction,
  offender,
  victim,
  value,
}: ReturnType<ReturnType<typeof create>['observe']>[number]) => ({
  tenant,
  direction,
  offender,
  victim,
  value,
});

describe('What detectors remember in another run', () => {
  for (const id of Object.keys(SEEN)) {
    it(`${id} goes on with the same tenants, though their numbers are others`, () => {
      const [first, then] = [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
      ];
      const whole = create(id, BEFORE);
      whole.observe(first);
      const expected = whole.observe(then).map(parties);
      assert(expected.length > 0 && expected.every(({ tenant }) => tenant === 'acme'));

      const before = create(id, BEFORE);
      before.observe(first);
      const saved: Json = JSON.parse(JSON.stringify(before.detector.save()));
      const after = create(id, AFTER);
      after.detector.restore(saved);
      assert.deepEqual(after.observe(then).map(parties), expected);
    });

    it(`${id} knows again whom it has met, though addresses hash to something else`, () => {
      const before = create(id, BEFORE);
      before.observe([0, 0, 1]);
      const after = create(id, { ...BEFORE, hashSeed: 0xbeef });
      after.detector.restore(before.detector.save());
      const whole = create(id, BEFORE);
      whole.observe([0, 0, 1]);
      assert.deepEqual(after.observe([0, 1, 0, 1]).map(parties), whole.observe([0, 1, 0, 1]).map(parties));
    });

    it(`${id} forgets a tenant that is gone`, () => {
      const before = create(id, BEFORE);
      before.observe([0, 1, 2, 3]);
      const after = create(id, testContext([testTenant('aaa', ['198.51.100.32/29'])]));
      after.detector.restore(before.detector.save());
      assert.deepEqual(after.observe([4]), []);
    });
  }
});
