import assert from 'node:assert/strict';
import { loadConfig } from '../../daemon/config/load.ts';
import { Enforcer } from '../../daemon/enforcement/enforcer.ts';
import { Limiter } from '../../daemon/enforcement/limiter.ts';
import type { Incident } from '../../daemon/incidents/incident.ts';
import { limitStatus } from '../../daemon/status/limitStatus.ts';
import { labConfiguration } from '../lab/configuration.ts';
import { until } from '../lab/until.ts';
import { testIncident } from '../support/incident.ts';
import { FaultyExecutor } from './faultyExecutor.ts';
import { LimiterBed } from './limiterBed.ts';

const HOLD_MS = 60_000;
/** With its jitter. */
const LONGEST_HOLD_MS = HOLD_MS * 1.1;
const PATIENCE_MS = 10_000;
const SECTIONS = {
  detectors: { bandwidthThreshold: { mode: 'enforce' } },
  enforcement: { mode: 'enforce', hold: `${HOLD_MS / 1000}s` },
};
const limited = { threshold: { rate: '20mbit', for: '3s' }, limit: '5mbit' };
const plans = { acme: limited, birch: limited, cedar: { ...limited, guaranteed: true } };

const BANDWIDTH = {
  detector: 'bandwidthThreshold',
  signature: 'bandwidthThreshold',
  clause: 'network.throughput',
  direction: 'outbound',
} as const;

const configure = (sections: object = {}) =>
  loadConfig('weir.yaml', labConfiguration({ plans, sections: { ...SECTIONS, ...sections } }));
const overThreshold = (tenant: string): Incident => testIncident({ id: `bt-${tenant}`, tenant, ...BANDWIDTH });

/** An enforcer in the kernel of a lab, its clock in the test's hand. */
class EnforcerBed {
  readonly errors: string[] = [];
  readonly executor: FaultyExecutor;
  readonly enforcer: Enforcer;
  readonly #config: ReturnType<typeof configure>;

  constructor(bed: LimiterBed, config = configure()) {
    const note = (...line: unknown[]): void => void this.errors.push(String(line.at(-1)));
    this.executor = new FaultyExecutor(bed.tc);
    this.#config = config;
    const log = { info: () => {}, warn: note, error: note };
    const limiter = new Limiter(this.executor);
    this.enforcer = new Enforcer({ config, limiter, log, ownAddresses: () => [], seed: 0 });
  }

  /** As the status shows it: tenant, state, reason. */
  shown(nowMs = 0): string[] {
    return this.enforcer
      .limits()
      .map((each) => limitStatus(each, this.#config.tenants, nowMs))
      .map(({ tenant, state, reason }) => `${tenant} ${state}: ${reason}`);
  }

  /** Ticks, its clock standing still, until it shows that. */
  showing(incidents: readonly Incident[], nowMs: number, expected: readonly string[]): Promise<boolean> {
    return until(expected.join(), PATIENCE_MS, async () => {
      this.enforcer.tick(incidents, nowMs);
      return this.shown(nowMs).join() === expected.join();
    });
  }
}

describe('Enforcer', function () {
  this.timeout(60_000);
  let bed: LimiterBed;
  let untouched: unknown;
  before(async () => {
    bed = new LimiterBed();
    untouched = await bed.lab.snapshot();
  });
  after(() => bed.lab.stop());
  afterEach(async () => assert.deepEqual(await bed.lab.snapshot(), untouched));

  it('sets a limit for an open incident, shows it pending until the kernel holds it, and lifts it after the hold', async () => {
    const tested = new EnforcerBed(bed);
    const { enforcer, errors } = tested;
    await enforcer.start();
    enforcer.tick([overThreshold('acme'), overThreshold('cedar')], 1000);
    const exempt = 'cedar exempt: plan.guaranteed: its bandwidth is guaranteed';
    assert.deepEqual(tested.shown(), ['acme pending: outbound bandwidthThreshold, incident bt-acme', exempt]);
    await tested.showing([overThreshold('acme'), overThreshold('cedar')], 1000, [
      'acme inForce: outbound bandwidthThreshold, incident bt-acme',
      exempt,
    ]);

    // A second one: the first goes on being in force meanwhile.
    enforcer.tick([overThreshold('acme'), overThreshold('birch')], 1001);
    assert.deepEqual(tested.shown(), [
      'acme inForce: outbound bandwidthThreshold, incident bt-acme',
      'birch pending: outbound bandwidthThreshold, incident bt-birch',
    ]);
    await tested.showing([overThreshold('birch')], 1002, [
      'birch inForce: outbound bandwidthThreshold, incident bt-birch',
      'acme inForce: outbound bandwidthThreshold, incident bt-acme',
    ]);

    await tested.showing([], 1002 + LONGEST_HOLD_MS, []);
    await until('no limits', PATIENCE_MS, async () => {
      enforcer.tick([], 1003 + LONGEST_HOLD_MS);
      return !/clsact|htb/.test(bed.tcIn('qdisc show'));
    });
    await enforcer.stop();
    assert.deepEqual(errors, []);
  });

  it('shows what failed, says it once, and tries again every second', async () => {
    const tested = new EnforcerBed(bed);
    const { enforcer, executor, errors } = tested;
    const failed = ['acme failed: Cannot run tc filter show: interrupted'];
    await enforcer.start();
    executor.failingReads = 2;
    await tested.showing([overThreshold('acme')], 1000, failed);
    await tested.showing([overThreshold('acme')], 2000, failed);
    await until('the second failure', PATIENCE_MS, async () => executor.failingReads === 0);
    await tested.showing([overThreshold('acme')], 3000, [
      'acme inForce: outbound bandwidthThreshold, incident bt-acme',
    ]);
    await enforcer.stop();
    assert.deepEqual(errors, ['Cannot run tc filter show: interrupted (tried again every second)']);
  });

  it('leaves nothing when a tool is interrupted while it stops', async () => {
    const tested = new EnforcerBed(bed);
    const { enforcer, executor } = tested;
    await enforcer.start();
    await tested.showing([overThreshold('acme')], 1000, [
      'acme inForce: outbound bandwidthThreshold, incident bt-acme',
    ]);
    executor.failingReads = 1;
    await enforcer.stop();
  });

  it('sets and lifts a limit by hand, in force when it says so, and leaves the tenant alone afterwards', async () => {
    const tested = new EnforcerBed(bed);
    const { enforcer } = tested;
    const order = { tenant: 'dogwood', rateBps: 2e6, forMs: 60_000, reason: 'a call', by: 'ada' };
    await enforcer.start();
    enforcer.tick([overThreshold('dogwood')], 1000);
    assert.equal(await enforcer.order(order, 1000), null);
    assert.deepEqual(tested.shown(1000), ['dogwood inForce: a call (set by ada)']);
    assert.match(bed.tcIn('class show dev weir-out'), /rate 1800Kbit ceil 2Mbit/);
    assert.equal(await enforcer.release('dogwood', 'ada', 2000), null);
    assert.doesNotMatch(bed.tcIn('qdisc show'), /clsact|htb/);
    assert.equal(await enforcer.release('dogwood', 'ada', 2000), 'dogwood is not limited');
    assert.equal(
      await enforcer.order({ ...order, tenant: 'cedar' }, 2000),
      'Cannot limit cedar: plan.guaranteed: its bandwidth is guaranteed',
    );
    assert.match((await enforcer.order({ ...order, rateBps: 1000 }, 2000)) ?? '', /1 kbit\/s is below 16 kbit\/s$/);
    await enforcer.stop();
  });

  it('says what it would limit, and changes nothing, while it observes', async () => {
    const config = configure({ enforcement: { mode: 'observe' } });
    const tested = new EnforcerBed(bed, config);
    const { enforcer, executor } = tested;
    await enforcer.start();
    enforcer.tick([overThreshold('acme')], 1000);
    assert.deepEqual(tested.shown(), ['acme observed: enforcement.mode is observe']);
    await enforcer.stop();
    assert.equal(executor.runs, 0);
  });
});
