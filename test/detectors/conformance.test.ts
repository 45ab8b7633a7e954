import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import * as fc from 'fast-check';
import {
  type Detector,
  type DetectorDefinition,
  type Json,
  MAX_READINGS,
  type Reading,
} from '../../daemon/detectors/detector.ts';
import { createDetectors, detectorDefinitions } from '../../daemon/detectors/index.ts';
import { Incidents } from '../../daemon/incidents/incidents.ts';
import { type Observed, Window } from '../../daemon/metering/window.ts';
import { optionsTable } from '../support/optionsTable.ts';
import { type DetectorCase, detectorCases, windowsOf } from './cases.ts';

const DOCS = new URL('../../docs/detectors.md', import.meta.url);
const FOLDER = new URL('../../daemon/detectors/', import.meta.url);
const ids = detectorDefinitions.map(({ id }) => id);

function create(definition: DetectorDefinition, { context }: DetectorCase): Detector {
  return definition.create(definition.config.parse({}), context);
}

function caseOf(id: string): DetectorCase {
  const found = detectorCases.find((candidate) => candidate.id === id);
  assert(found !== undefined, `test/detectors/cases.ts has a case for ${id}`);
  return found;
}

const verdict = ({ signature, direction, offender, victim, value, threshold }: Omit<Reading, 'reason'>) => ({
  signature: signature.id,
  direction,
  offender,
  victim,
  value,
  threshold,
});

/** What became of the incidents while the detector watched. */
function incidentsOf(detector: Detector, windows: Iterable<Window>) {
  const incidents = new Incidents({ closeAfterMs: 10_000, maxOpen: 100 });
  return [...windows].flatMap((window) =>
    incidents.observe('eth0', window.endMs, window.endMs - window.startMs, detector.observe(window)),
  );
}

describe('detectorDefinitions', () => {
  it('has every file of daemon/detectors/, once', () => {
    const files = readdirSync(FOLDER, { withFileTypes: true }).filter((entry) => entry.isFile());
    const names = files
      .map(({ name }) => name.replace('.ts', ''))
      .filter((name) => !['detector', 'index'].includes(name));
    assert.deepEqual(ids.toSorted(), names.toSorted());
  });

  for (const definition of detectorDefinitions) {
    describe(definition.id, () => {
      const kase = caseOf(definition.id);

      it('has signatures of its own, with a clause, a sentence and an entry that can be reached', () => {
        for (const signature of create(definition, kase).signatures) {
          assert.equal(signature.detector, definition.id);
          assert.match(signature.title, /^[A-Z].*\.$/);
          assert(signature.entry.windows <= signature.entry.of);
          assert(signature.leaveBelow > 0 && signature.leaveBelow < 1);
        }
      });

      it('has a mode, and an allow list where it judges traffic', () => {
        const { mode, allow } = definition.config.parse({});
        assert.deepEqual([mode, allow], ['observe', definition.observes.includes('samples') ? undefined : []]);
      });

      it('is silent on nothing and on empty windows', () => {
        const detector = create(definition, kase);
        for (const observed of definition.observes) {
          const shape = {
            observed,
            tenants: kase.context.tenants.length,
            targetBits: 6,
            sourceBits: 6,
            details: 4,
            pairBits: 6,
          };
          assert.deepEqual(detector.observe(new Window(shape)), []);
        }
        for (const window of windowsOf(kase, 0, 30)) {
          assert.deepEqual(detector.observe(window), []);
        }
      });

      for (const family of [4, 6] as const) {
        it(`finds its own once, and as the same incident (IPv${family})`, () => {
          const windows = kase.windows + 10;
          const changes = incidentsOf(create(definition, kase), windowsOf(kase, 1.2, windows, family));
          const opened = changes.filter(({ event }) => event === 'opened');
          assert.equal(opened.length, 1);
          assert.equal(opened[0]?.incident.detector, definition.id);
          assert.equal(opened[0].incident.tenant, 'acme');
          assert.equal(new Set(changes.map(({ incident }) => incident.id)).size, 1);
          const again = incidentsOf(create(definition, kase), windowsOf(kase, 1.2, windows, family));
          assert.deepEqual(again, changes);
        });
      }

      it('finds it within the time that it promises', () => {
        const changes = incidentsOf(create(definition, kase), windowsOf(kase, 1.2, kase.windows));
        assert.equal(changes[0]?.event, 'opened');
      });

      it('opens nothing just below the threshold, and says nothing below the level of leaving', () => {
        const count = kase.windows * 2;
        assert.deepEqual(incidentsOf(create(definition, kase), windowsOf(kase, 0.999, count)), []);
        const detector = create(definition, kase);
        const [signature] = detector.signatures;
        assert(signature !== undefined);
        const findings = [...windowsOf(kase, signature.leaveBelow - 0.01, count)].flatMap((w) => detector.observe(w));
        assert.deepEqual(findings, []);
      });

      it('explains itself: some for each of its signatures, not too much, on nothing and on everything', () => {
        const detector = create(definition, kase);
        const windows = [...windowsOf(kase, 0, 1), ...windowsOf(kase, 1.2, 2), kase.crowd(0)];
        for (const window of windows) {
          detector.observe(window);
          for (const tenant of [1, kase.context.tenants.length]) {
            const readings = detector.explain(window, tenant);
            assert(readings.length <= MAX_READINGS);
            assert.deepEqual(new Set(readings.map(({ signature }) => signature)), new Set(detector.signatures));
            assert(readings.every(({ value, reason }) => value !== null || reason !== null));
          }
        }
      });

      it('reads what it finds, and of anything else that passes the threshold says why it finds nothing', () => {
        for (const level of [0.5, 1.2]) {
          const detector = create(definition, kase);
          for (const window of windowsOf(kase, level, kase.windows)) {
            const told = detector.observe(window).filter(({ value, threshold }) => value >= threshold);
            const read = detector.explain(window, 1).filter(({ value, threshold }) => (value ?? 0) >= (threshold ?? 1));
            const found = read.filter(({ reason }) => reason === null || told.length > 0);
            assert.deepEqual(found.map(verdict), told.map(verdict));
          }
        }
      });

      it('changes nothing by being asked', () => {
        const windows = [...windowsOf(kase, 1.2, kase.windows)];
        const [asked, unasked] = [create(definition, kase), create(definition, kase)];
        for (const window of windows) {
          assert.deepEqual(asked.observe(window), unasked.observe(window));
          assert.deepEqual(asked.explain(window, 1), asked.explain(window, 1));
        }
        assert.deepEqual(asked.save(), unasked.save());
      });

      it('has its thresholds where it says that they are', () => {
        const defaults = definition.config.parse({});
        for (const { signature, option, least } of definition.thresholds ?? []) {
          const changed = { ...defaults, [option]: least + 7 };
          assert.equal(definition.config.safeParse(changed).success, true);
          const readings = definition.create(changed, kase.context).explain(kase.window(0, 0, 4), 1);
          const thresholds = readings
            .filter((each) => each.signature.id === signature.id)
            .map((each) => each.threshold);
          assert.deepEqual(new Set(thresholds), new Set([least + 7]));
        }
      });

      it('goes on after save and restore as if it had not been interrupted', () => {
        const windows = [...windowsOf(kase, 1.2, kase.windows + 4)];
        const half = Math.floor(windows.length / 2);
        const whole = create(definition, kase);
        const expected = windows.map((window) => whole.observe(window)).slice(half);
        const before = create(definition, kase);
        for (const window of windows.slice(0, half)) before.observe(window);
        const after = create(definition, kase);
        const saved: Json = JSON.parse(JSON.stringify(before.save()));
        after.restore(saved);
        assert.deepEqual(
          windows.slice(half).map((window) => after.observe(window)),
          expected,
        );
      });

      it('ignores any state that is not its own', () => {
        const windows = [...windowsOf(kase, 1.2, kase.windows)];
        const expected = windows.map((window) => create(definition, kase).observe(window));
        fc.assert(
          fc.property(fc.json(), (text) => {
            const state: Json = JSON.parse(text);
            const detector = create(definition, kase);
            detector.restore(state);
            const [first] = windows;
            assert(first !== undefined);
            assert.deepEqual(detector.observe(first), expected[0]);
          }),
          { numRuns: 30 },
        );
      });

      it('keeps no more memory, and says no more, the more there is to see', () => {
        const detector = create(definition, kase);
        const sizes = [10, 30].map((rounds) => {
          for (let i = 0; i < rounds; i++) detector.observe(kase.crowd(i * kase.windowMs));
          return JSON.stringify(detector.save()).length;
        });
        const [few = 0, many = 0] = sizes;
        assert(many <= few * 2 + 1000, `${few} bytes after 10 windows, ${many} after 30`);
      });

      it('is documented, with its clause and its options', () => {
        const [, section = ''] = readFileSync(DOCS, 'utf8').split(`\n## ${definition.id}\n`);
        const own = section.split('\n## ')[0] ?? '';
        for (const { clause } of create(definition, kase).signatures) assert(own.includes(`\`${clause}\``));
        const table = optionsTable(definition);
        if (process.env['UPDATE_GOLDEN'] === '1') return updateTable(definition.id, table);
        assert(unpadded(own).includes(table), `docs/detectors.md is current; UPDATE_GOLDEN=1 writes:\n${table}`);
      });
    });
  }
});

/** Without what the formatter adds to line up a table's columns. */
const unpadded = (markdown: string): string => markdown.replace(/ +/g, ' ').replace(/-{3,}/g, '---');

function updateTable(id: string, table: string): void {
  const text = readFileSync(DOCS, 'utf8');
  const section = text.indexOf(`\n## ${id}\n`);
  const start = section + text.slice(section).search(/\| option +\|/);
  const end = text.indexOf('\n\n', start);
  writeFileSync(DOCS, `${text.slice(0, start)}${table}${text.slice(end)}`);
}

const allOff = Object.fromEntries(ids.map((id) => [id, { mode: 'off' as const }]));

const thatObserve = (observed: Observed): string[] =>
  detectorDefinitions.filter(({ observes }) => observes.includes(observed)).map(({ id }) => id);

describe('createDetectors', () => {
  const context = detectorCases[0]?.context;
  assert(context !== undefined);

  for (const observed of ['packets', 'flows', 'samples'] as const) {
    it(`makes all of the list that can judge ${observed} from nothing, in its order`, () => {
      assert.deepEqual(
        createDetectors({}, context, observed).map(({ id }) => id),
        thatObserve(observed),
      );
    });
  }

  it('applies the allow lists', () => {
    const kase = caseOf('bandwidthThreshold');
    const counts = [[], ['globex'], ['acme']].map((allow) => {
      const [detector] = createDetectors({ ...allOff, [kase.id]: { mode: 'observe', allow } }, kase.context, 'packets');
      return [...windowsOf(kase, 1.2, kase.windows)].flatMap((window) => detector?.observe(window) ?? []).length;
    });
    const [found = 0] = counts;
    assert(found > 0);
    assert.deepEqual(counts, [found, found, 0]);
  });

  it('leaves out what is off', () => {
    const made = createDetectors({ synFlood: { mode: 'off' } }, context, 'packets');
    assert.deepEqual(
      made.map(({ id }) => id),
      thatObserve('packets').filter((id) => id !== 'synFlood'),
    );
  });
});
