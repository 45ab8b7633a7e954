import assert from 'node:assert/strict';
import { objectsOf, planLimits } from '../../daemon/enforcement/plan.ts';
import { isEmpty, planSteps, renderSteps } from '../../daemon/enforcement/reconcile.ts';
import { type DesiredObject, LAYERS, type StandingObject } from '../../daemon/enforcement/tcObject.ts';
import type { Limit } from '../../daemon/enforcement/limit.ts';
import { edgeLimit, portLimit } from './limits.ts';

const planned = (...limits: readonly Limit[]): DesiredObject[] => {
  const options = { capabilities: { fqCodel: false, missing: [] }, exempt: ['203.0.113.0/28', '2001:db8:f::/48'] };
  return objectsOf(planLimits(limits, options).groups.values());
};
const objects = planned(edgeLimit('dogwood'), portLimit('acme'));

/** As the kernel would show the plan; a filter's target is in its text. */
const standing = ({ layer, key, state }: DesiredObject): StandingObject => ({
  layer,
  key,
  state,
  remove: `del ${key}`,
  within: null,
  target: / redirect dev (\S+)/.exec(state)?.[1] ?? null,
});
const stands = objects.map(standing);
const lines = (desired: readonly DesiredObject[], found: readonly StandingObject[]): string[] =>
  renderSteps(planSteps(desired, found)).flatMap((batch) => batch.lines);
const linesOf = (kind: RegExp, all: readonly string[]): number[] =>
  all.flatMap((line, i) => (kind.test(line) ? [i] : []));

describe('planSteps', () => {
  it('has nothing to do where the plan stands', () => assert(isEmpty(planSteps(objects, stands))));

  it('adds all of it to nothing, steering last', () => {
    assert.deepEqual(planSteps(objects, []).additions, objects);
    assert.deepEqual([...new Set(objects.map(({ layer }) => layer))], [...LAYERS]);
  });

  it('removes all of it, steering first and devices last', () => {
    const { removals } = planSteps([], stands);
    assert.equal(removals.length, objects.length);
    assert.deepEqual([...new Set(removals.map(({ layer }) => layer))], LAYERS.toReversed());
  });

  it('leaves what goes along with another to it, but never steering', () => {
    const within = stands.map((object) => ({ ...object, within: object.layer === 'device' ? null : 'weir-out' }));
    const kinds = new Set(planSteps([], within).removals.map(({ layer }) => layer));
    assert.deepEqual([...kinds], ['steering', 'device']);
  });

  it('changes a rate in place', () => {
    const faster = planned(edgeLimit('dogwood', { rateBps: 6e6 }), portLimit('acme'));
    assert.deepEqual(
      lines(faster, stands).map((line) => line.split(' ').slice(0, 2).join(' ')),
      Array.from({ length: 6 }, () => 'class change'),
    );
  });

  it('never removes what is not ours', () => {
    const foreign = stands.map((object) => ({ ...object, remove: null }));
    assert(isEmpty(planSteps([], foreign)));
  });

  const broken: [string, (object: StandingObject) => StandingObject[]][] = [
    ['gone', (object) => (object.key === 'weir-in' ? [] : [object])],
    ['down', (object) => [object.key === 'weir-in' ? { ...object, state: 'weir:v1 down' } : object]],
  ];
  for (const [what, breakIt] of broken) {
    it(`removes the steering to a device that is ${what} before all else, and puts it back after all else`, () => {
      const todo = lines(objects, stands.flatMap(breakIt));
      const removals = linesOf(/^del .*/, todo);
      const steering = stands.filter(({ target }) => target === 'weir-in').length;
      assert.deepEqual(
        removals,
        Array.from({ length: steering }, (_, i) => i),
      );
      assert.deepEqual(
        linesOf(/redirect dev weir-in/, todo),
        Array.from({ length: steering }, (_, i) => todo.length - steering + i),
      );
    });
  }
});
