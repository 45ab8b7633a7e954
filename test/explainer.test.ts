import assert from 'node:assert/strict';
import type { Config } from '../daemon/config/config.ts';
import { defaultConfig } from '../daemon/config/host.ts';
import { Explainer } from '../daemon/explainer.ts';
import { WINDOW_MS } from '../daemon/metering/window.ts';
import { Pipeline } from '../daemon/pipeline.ts';
import type { Explanation, ReadingStatus } from '../daemon/status/explanation.ts';
import { renderExplanation } from '../daemon/status/renderExplanation.ts';
import { buildSampleWindow } from './support/sampleWindow.ts';
import { buildWindow, strangers, testContext, testTenant, type Traffic } from './support/windowBuilder.ts';

const PBX = '198.51.100.9';
const context = testContext([
  testTenant('acme', ['198.51.100.8/29'], { threshold: { rateBps: 8e6, packetsPerSecond: null, forMs: 1000 } }),
  testTenant('globex', ['198.51.100.16/29'], { guaranteed: true }),
]);
const DETECTORS = {
  ...defaultConfig().detectors,
  synFlood: { mode: 'observe' as const, packetsPerSecond: 1000 },
};
const NEVER_MS = 2 ** 30;

/** SYNs of 250 ms, per second. */
const syns = (packetsPerSecond: number): Traffic => ({
  from: strangers(200),
  to: PBX,
  kind: 'tcpSyn',
  packets: packetsPerSecond / 4,
  ports: [443],
});

class Bed {
  readonly config: Config;
  readonly pipeline: Pipeline;
  #nowMs = 0;

  constructor(changes: Partial<Config> = {}) {
    this.config = { ...defaultConfig(), detectors: DETECTORS, tenants: context.tenants, ...changes };
    this.pipeline = new Pipeline(this.config, context);
  }

  /** The next window of eth0. */
  see(...traffic: Traffic[]): void {
    this.pipeline.observe('eth0', buildWindow(traffic, { context, startMs: this.#nowMs }));
    this.#nowMs += WINDOW_MS;
  }

  ask(tenant = 'acme', detector: string | null = null, patienceMs = NEVER_MS) {
    return new Explainer(() => this.config, this.pipeline, patienceMs).explain(tenant, detector);
  }

  /** What the next window of eth0 shows, after those before it. */
  async explain(traffic: readonly Traffic[][], tenant = 'acme', detector: string | null = null): Promise<Explanation> {
    const before = traffic.slice(0, -1);
    for (const window of before) this.see(...window);
    const asked = this.ask(tenant, detector);
    this.see(...(traffic.at(-1) ?? []));
    const answer = await asked;
    assert(answer.status === 200);
    return answer.explanation;
  }
}

const readingsOf = (explanation: Explanation): readonly ReadingStatus[] =>
  explanation.detectors.flatMap(({ readings }) => readings);

const verdicts: [string, readonly number[], string][] = [
  ['what is missing to enter', [400], 'lacks 600 pps, opens with 2 of 3 windows or at 1.5 kpps at once'],
  [
    'how many windows have passed',
    [1200, 400],
    'passed in 1 of the last 3 windows, opens with 2 of 3 windows or at 1.5 kpps at once',
  ],
  ['that it is open', [1200, 1200], 'open, closes below 700 pps'],
  ['that it is open still', [1200, 1200, 800], 'open, closes below 700 pps'],
  ['that it is about to close', [1200, 1200, 400], 'open, closes soon: below 700 pps'],
];

describe('Explainer', () => {
  for (const [title, rates, verdict] of verdicts) {
    it(`says ${title}`, async () => {
      const explanation = await new Bed().explain(
        rates.map((rate) => [syns(rate)]),
        'acme',
        'synFlood',
      );
      const [reading] = readingsOf(explanation);
      assert.deepEqual([reading?.verdict, reading?.value, reading?.victim], [verdict, rates.at(-1), PBX]);
      assert.deepEqual([reading?.threshold, reading?.leavesBelow, reading?.unit], [1000, 700, 'packets/s']);
    });
  }

  it('names the incident that is open', async () => {
    const bed = new Bed();
    const [reading] = readingsOf(await bed.explain([[syns(3000)]], 'acme', 'synFlood'));
    assert.equal(reading?.incident, bed.pipeline.incidents.open()[0]?.id);
  });

  it('has every detector: those that are off, those that nobody shows anything, and why a tenant is not judged', async () => {
    const detectors = { ...defaultConfig().detectors, icmpFlood: { mode: 'off' as const } };
    const explanation = await new Bed({ detectors }).explain([[syns(100)]], 'globex');
    const why = new Map(explanation.detectors.map(({ id, reason, readings }) => [id, reason ?? readings[0]?.reason]));
    assert.deepEqual([...why.keys()], Object.keys(defaultConfig().detectors));
    assert.equal(why.get('icmpFlood'), 'its mode is off');
    assert.equal(why.get('cpuOveruse'), 'it needs samples, and no observation point gave any');
    assert.equal(why.get('bandwidthThreshold'), 'exempt: plan.guaranteed');
    assert.equal(why.get('sustainedThroughput'), 'exempt: plan.guaranteed');
  });

  it('shows the allow list, and what it keeps from being found', async () => {
    const allow = ['203.0.113.1/32'];
    const udpFlood = { mode: 'observe' as const, allow, packetsPerSecond: 1000 };
    const bed = new Bed({ detectors: { ...defaultConfig().detectors, udpFlood } });
    const flood: Traffic = { from: '203.0.113.1', to: PBX, kind: 'udp', packets: 1000 };
    const explanation = await bed.explain([[flood], [flood]], 'acme', 'udpFlood');
    assert.deepEqual(explanation.detectors[0]?.allow, allow);
    const [reading] = readingsOf(explanation);
    assert.deepEqual(
      [reading?.value, reading?.verdict, reading?.reason],
      [4000, 'passes, and is not counted', '203.0.113.1/32 is on the allow list'],
    );
  });

  it('says how far the points are trusted, which one is shown one way, and which one gave nothing', async () => {
    const bed = new Bed({
      interfaces: [
        {
          name: 'eth9',
          faces: 'internet',
          tenant: null,
          promiscuous: false,
          capture: { by: 'ring', blockSizeBytes: 1, blocks: 1 },
        },
      ],
    });
    const oneWay: Traffic = { from: '203.0.113.1', to: PBX, kind: 'tcpAck', packets: 50 };
    const { points } = await bed.explain(Array.from({ length: 81 }, () => [oneWay]));
    assert.deepEqual(points, [
      { name: 'eth9', observed: null, at: null, trust: null, onlySees: null },
      { name: 'eth0', observed: 'packets', at: '1970-01-01T00:00:20.250Z', trust: 1, onlySees: 'inbound' },
    ]);
  });

  it('does not wait for windows that come rarely: it keeps the last one', async () => {
    const bed = new Bed();
    const sample = buildSampleWindow({ startMs: 0, windowMs: 5000, tenants: [{ cpuCores: 1 }, {}] });
    bed.pipeline.observe('host', sample);
    sample.open(5000);
    const answer = await bed.ask('acme', 'cpuOveruse');
    assert(answer.status === 200);
    assert.equal(readingsOf(answer.explanation)[0]?.value, 1);
  });

  it('does not wait for a point for ever', async () => {
    const bed = new Bed();
    bed.see();
    const answer = await bed.ask('acme', null, 1);
    assert(answer.status === 200);
    assert.deepEqual(answer.explanation.points, []);
  });

  it('refuses what it does not know, and more questions than it can bear', async () => {
    const bed = new Bed();
    bed.see();
    assert.deepEqual(await bed.ask('initech'), { status: 404, error: 'no tenant has the id initech' });
    assert.deepEqual(await bed.ask('acme', 'sinFlood'), { status: 404, error: 'there is no detector sinFlood' });
    const asked = Array.from({ length: 9 }, () => bed.ask());
    for (let window = 0; window < 4; window++) bed.see();
    const statuses = (await Promise.all(asked)).map(({ status }) => status);
    assert.deepEqual(statuses, [200, 200, 200, 200, 200, 200, 200, 200, 503]);
    const again = bed.ask();
    bed.see();
    assert.equal((await again).status, 200);
  });

  it('is shown as text', async () => {
    const allow = ['192.0.2.1/32'];
    const detectors = {
      ...defaultConfig().detectors,
      synFlood: { mode: 'observe' as const, allow, packetsPerSecond: 1000 },
    };
    const bed = new Bed({ detectors });
    const id = (await bed.explain([[syns(3000)]], 'acme', 'synFlood')).detectors[0]?.readings[0]?.incident;
    const explanation = await bed.explain([[syns(3000)]], 'acme', 'synFlood');
    const bandwidth = await bed.explain([[]], 'globex', 'bandwidthThreshold');
    assert.equal(
      renderExplanation({ ...explanation, detectors: [...explanation.detectors, ...bandwidth.detectors] }),
      `tenant acme
  eth0: packets until 1970-01-01 00:00:00 UTC

synFlood (observe, allows 192.0.2.1/32)
  inbound SYN flood against ${PBX} at eth0: 3 kpps of 1 kpps, open, closes below 700 pps (${id})
  outbound SYN flood at eth0: 0 pps of 1 kpps, lacks 1 kpps, opens with 2 of 3 windows or at 1.5 kpps at once

bandwidthThreshold (observe)
  bandwidth threshold by globex at eth0: not judged
    exempt: plan.guaranteed
  packet threshold by globex at eth0: not judged
    exempt: plan.guaranteed`,
    );
  });
});
