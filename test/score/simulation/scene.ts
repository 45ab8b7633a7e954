/** A scene as a trial: who is there, and what happens from when to when. */
import type { Milliseconds } from '../../../probes/probe.ts';
import type { Named, Trial, WrittenTenant } from '../trial.ts';
import { Attack, type Plan } from './attacks.ts';
import { TCP } from './frameWriter.ts';
import { Office } from './office.ts';
import { simulate, type Span } from './simulate.ts';
import { Stream } from './streams.ts';

export interface Scene extends Span {
  readonly name: string;
  readonly kind: Trial['kind'];
  readonly tenants: readonly WrittenTenant[];
  readonly office?: { readonly seed: number };
  readonly attacks?: readonly { readonly plan: Plan; readonly atMs: Milliseconds }[];
  readonly streams?: readonly SteadyStream[];
}

export interface SteadyStream {
  readonly from: number;
  readonly to: number;
  readonly rateBpsAt: (timeMs: Milliseconds) => number;
  /** How it is to be named, if it is, and from when on it deserves it. */
  readonly expected?: Named;
  readonly sinceMs?: Milliseconds;
}

export function trialOf(scene: Scene): Trial {
  const { name, kind, tenants, office, attacks = [], streams = [], startMs, endMs } = scene;
  const labels = [
    ...attacks.map((attack) => attack.plan.expected),
    ...streams.flatMap((stream) => stream.expected ?? []),
  ];
  return {
    name,
    kind,
    expected: labels,
    allowed: [],
    observe() {
      const underWay: Attack[] = [];
      const observation = simulate(tenants, scene, (writer, agenda) => {
        if (office !== undefined) new Office(writer, agenda, { ...office, startMs, endMs }).open();
        for (const { plan, atMs } of attacks) {
          const attack = new Attack(writer, agenda, plan);
          agenda.add(attack, atMs);
          underWay.push(attack);
        }
        for (const { from, to, rateBpsAt } of streams) {
          const ends = { from, to, fromPort: 40_001, toPort: 443 };
          agenda.add(
            new Stream(writer, ends, { protocol: TCP, rateBpsAt, endMs, packetsPerAcknowledgement: 340 }),
            startMs,
          );
        }
      });
      const streamed = streams.flatMap(({ expected, sinceMs = startMs }) =>
        expected === undefined ? [] : [[sinceMs]],
      );
      return { ...observation, attackTimesMs: [...underWay.map(({ timesMs }) => timesMs), ...streamed] };
    },
  };
}
