import assert from 'node:assert/strict';
import { advise, type Alerts, type DialAdvice, type Source } from '../../daemon/advising/advice.ts';
import type { Heights } from '../../daemon/advising/levels.ts';
import { renderAdvice, renderYaml } from '../../daemon/advising/renderAdvice.ts';
import type { Config } from '../../daemon/config/config.ts';
import { loadConfig } from '../../daemon/config/load.ts';

const DAY_MS = 86_400_000;
const CONFIG = loadConfig(
  'c',
  `tenants:
  - { id: acme, addresses: [198.51.100.8/29], plan: { port: 100mbit, threshold: { rate: 80mbit, packets: 20kpps } } }
  - { id: beta, addresses: [198.51.100.16/29] }
  - { id: gamma, addresses: [198.51.100.24/29], plan: { guaranteed: true } }
detectors: { udpFlood: { packetsPerSecond: 20000 } }
`,
);

const flood = (tenant: string, usual: number, peak = usual): Heights => ({
  signature: 'udpFlood',
  tenant,
  direction: 'inbound',
  usual,
  peak,
});
const mean = (tenant: string, usual: number, peak = usual): Heights => ({
  signature: 'bandwidthThreshold',
  tenant,
  direction: 'outbound',
  usual,
  peak,
});

/** Every threshold below the peak raises an alert a tenant. */
const sourceOf = (heights: readonly Heights[], spanMs: number): Source => ({
  isExact: true,
  survey: () => ({ heights, spanMs }),
  tryOut: (_config, dials, trials) =>
    trials.map((settings): Alerts => {
      const raised = dials.flatMap(({ signature, tenant, path }) =>
        heights
          .filter((each) => each.signature === signature && (tenant ?? each.tenant) === each.tenant)
          .filter(({ peak }) => peak >= (settings.get(path) ?? Infinity)),
      );
      return new Map(
        raised.map(({ signature, tenant, direction }) => [`${signature} ${tenant} ${direction ?? ''}`, 1]),
      );
    }),
});

function dialsOf(heights: readonly Heights[], spanMs = DAY_MS, config: Config = CONFIG): readonly DialAdvice[] {
  return advise(sourceOf(heights, spanMs), config)?.dials ?? [];
}

const aloneOf = (heights: readonly Heights[]) =>
  dialsOf(heights).flatMap(({ series }) => series.map(({ tenant, alone }) => [tenant, alone] as const));

const told = ({ path, written, why }: DialAdvice): string => `${path}: ${written ?? 'as it is'} (${why})`;
const UDP = 'detectors.udpFlood.packetsPerSecond';
const RATE = 'plan.threshold.rate';

const proposals: [string, readonly Heights[], number, string][] = [
  ['raises nothing that is quiet', [flood('acme', 15_000)], DAY_MS, `${UDP}: as it is (it raises no alerts)`],
  [
    'raises what is loud, if it is false',
    [flood('acme', 30_000)],
    1000,
    `${UDP}: 45000 (only if the alerts that it raises now are false)`,
  ],
  [
    'lowers what is far above, by a day',
    [flood('acme', 3000), flood('beta', 4000)],
    DAY_MS,
    `${UDP}: 6000 (would have raised no alerts either)`,
  ],
  [
    'lowers nothing by less',
    [flood('acme', 3000)],
    DAY_MS - 1,
    `${UDP}: as it is (it raises no alerts, and a day at least is needed to lower it)`,
  ],
  [
    'goes below the least that is worth anything never',
    [flood('acme', 1)],
    DAY_MS,
    `${UDP}: 512 (would have raised no alerts either)`,
  ],
  [
    'takes twice what is usual where that is above the peak and less than half as much more',
    [flood('acme', 4000, 7000)],
    DAY_MS,
    `${UDP}: 8000 (would have raised no alerts either)`,
  ],
  [
    'does not go by what is usual where the peak would pass it',
    [flood('acme', 2000, 7000)],
    DAY_MS,
    `${UDP}: 11000 (would have raised no alerts either)`,
  ],
  ['sets a plan that has none', [mean('beta', 3.1e6)], DAY_MS, `tenants.beta.${RATE}: 4.7mbit (none is set)`],
  [
    'sets none by less than an hour',
    [mean('beta', 3.1e6)],
    1000,
    `tenants.beta.${RATE}: as it is (an hour at least is needed to propose one)`,
  ],
  [
    'keeps within the port',
    [mean('acme', 75e6, 90e6)],
    DAY_MS,
    `tenants.acme.${RATE}: 100mbit (only if the alerts that it raises now are false)`,
  ],
  [
    'gives up where the port itself is passed',
    [mean('acme', 110e6)],
    DAY_MS,
    `tenants.acme.${RATE}: as it is (no candidate is without alerts)`,
  ],
];

describe('advise', () => {
  for (const [title, heights, spanMs, expected] of proposals) {
    it(title, () => assert.deepEqual(dialsOf(heights, spanMs).map(told), [expected]));
  }

  it('leaves out guaranteed plans, and detectors that are off', () => {
    const off = { ...CONFIG, detectors: { ...CONFIG.detectors, udpFlood: { mode: 'off' as const } } };
    assert.deepEqual(dialsOf([mean('gamma', 1e6), flood('acme', 1e6)], DAY_MS, off), []);
  });

  it('proposes nothing that it has seen to raise an alert', () => {
    for (const [, heights, spanMs] of proposals) {
      for (const { proposed, candidates } of dialsOf(heights, spanMs)) {
        assert(proposed === null || candidates.some(({ value, alerts }) => value === proposed && alerts === 0));
      }
    }
  });

  it('says of each tenant what would do for it alone', () => {
    const heights = [flood('acme', 4000, 7000), flood('beta', 2000, 7000), flood('gamma', 30_000), flood('delta', 10)];
    assert.deepEqual(Object.fromEntries(aloneOf(heights)), { acme: 8000, beta: 11_000, gamma: 45_000, delta: 512 });
  });

  it('has nothing that would do for a tenant that takes more than its port', () => {
    assert.deepEqual(aloneOf([mean('acme', 110e6)]), [['acme', null]]);
  });

  it('is shown as tables, and as lines that the configuration takes', () => {
    const heights = [
      flood('acme', 30_000),
      flood('beta', 10),
      mean('beta', 3.1e6),
      { ...mean('acme', 8000), signature: 'packetThreshold' },
    ];
    const advice = advise(sourceOf(heights, 2 * DAY_MS), CONFIG);
    assert(advice !== null);
    assert.equal(
      renderAdvice(advice),
      `Of 2 d. Usual: all but one window in a thousand are not higher. Alone: what would do for that tenant. Alerts: what each threshold would have raised.

detectors.udpFlood.packetsPerSecond: 45000 (only if the alerts that it raises now are false)
  tenant             usual     peak    alone  20 kpps (now)  60 kpps (2 × usual)  45 kpps (1.5 × peak)
  acme    inbound  30 kpps  30 kpps  45 kpps              1                    0                     0
  beta    inbound   10 pps   10 pps  512 pps              0                    0                     0

tenants.acme.plan.threshold.packets: 12kpps (would have raised no alerts either)
  tenant             usual    peak    alone  20 kpps (now)  16 kpps (2 × usual)  12 kpps (1.5 × peak)
  acme    outbound  8 kpps  8 kpps  12 kpps              0                    0                     0

tenants.beta.plan.threshold.rate: 4.7mbit (none is set)
  tenant                 usual        peak       alone  none (now)  6.2 Mbit/s (2 × usual)  4.7 Mbit/s (1.5 × peak)
  beta    outbound  3.1 Mbit/s  3.1 Mbit/s  4.7 Mbit/s           0                       0                        0

tenants:
  - { id: acme, plan: { threshold: { packets: 12kpps } } }
  - { id: beta, plan: { threshold: { rate: 4.7mbit } } }
# detectors.udpFlood.packetsPerSecond: 45000 # only if the alerts that it raises now are false`,
    );
    const yaml = renderYaml(dialsOf([flood('acme', 3000), mean('beta', 3.1e6)]));
    const pasted = loadConfig('c', yaml.replace('id: beta,', 'id: beta, addresses: [198.51.100.16/29],'));
    assert.deepEqual(pasted.detectors['udpFlood'], { ...CONFIG.detectors['udpFlood'], packetsPerSecond: 4500 });
    assert.equal(pasted.tenants[0]?.plan.threshold?.rateBps, 4.7e6);
  });

  it('says so where nobody came near anything', () => {
    assert.match(renderAdvice({ spanMs: 1000, isExact: true, dials: [] }), /\nNobody came near a threshold\.$/);
  });
});
