import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../daemon/config/load.ts';
import { Enforcer } from '../../daemon/enforcement/enforcer.ts';
import type { LimitEnd, LimitStore, SavedLimit } from '../../daemon/enforcement/limitStore.ts';
import { Limiter } from '../../daemon/enforcement/limiter.ts';
import { WriterLock } from '../../daemon/enforcement/writerLock.ts';
import type { Incident } from '../../daemon/incidents/incident.ts';
import { limitStatus } from '../../daemon/status/limitStatus.ts';
import { labConfiguration } from '../lab/configuration.ts';
import { until } from '../lab/until.ts';
import { testIncident } from '../support/incident.ts';
import { FaultyExecutor } from './faultyExecutor.ts';
import { LimiterBed } from './limiterBed.ts';
import { edgeLimit } from './limits.ts';

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

const quiet = { info: () => {}, warn: () => {}, error: () => {} };

/** Keeps what it is told, as the store's file does. */
class MemoryStore implements LimitStore {
  standing: string[] = [];
  readonly ends: string[] = [];
  #memory: string | null = null;

  load() {
    return [];
  }

  loadMemory() {
    return this.#memory;
  }

  saveMemory(text: string) {
    this.#memory = text;
  }

  save(standing: readonly SavedLimit[]) {
    this.standing = standing.map(({ tenant, reason, who }) => `${tenant}: ${reason} (${who})`);
  }

  end({ tenant }: SavedLimit, { reason, who }: LimitEnd) {
    this.ends.push(`${tenant}: ${reason} (${who})`);
  }
}

/** An enforcer in the kernel of a lab, its clock in the test's hand. */
class EnforcerBed {
  readonly errors: string[] = [];
  readonly executor: FaultyExecutor;
  readonly enforcer: Enforcer;
  readonly #config: ReturnType<typeof configure>;

  constructor(bed: LimiterBed, config = configure(), store: LimitStore | null = null) {
    const note = (...line: unknown[]): void => void this.errors.push(String(line.at(-1)));
    this.executor = new FaultyExecutor(bed.tc);
    this.#config = config;
    const log = { info: () => {}, warn: note, error: note };
    const limiter = new Limiter(this.executor);
    this.enforcer = new Enforcer({ config, limiter, log, ownAddresses: () => [], seed: 0, store, lock: null });
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
    await enforcer.start(0);
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
    await enforcer.start(0);
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
    await enforcer.start(0);
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
    await enforcer.start(0);
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

  it('takes up after a crash what stood, without a change, and lifts it in time', async () => {
    const store = new MemoryStore();
    const killed = new EnforcerBed(bed, configure(), store);
    await killed.enforcer.start(0);
    const shown = ['acme inForce: outbound bandwidthThreshold, incident bt-acme'];
    await killed.showing([overThreshold('acme')], 1000, shown);
    const stands = await bed.standing();

    const next = new EnforcerBed(bed, configure(), store);
    await next.enforcer.start(2000);
    assert.deepEqual([next.executor.runs, next.shown(2000)], [0, shown]);
    assert.deepEqual(await bed.standing(), stands);
    const late = new EnforcerBed(bed, configure(), store);
    await late.enforcer.start(1000 + LONGEST_HOLD_MS);
    assert.deepEqual([await bed.standing(), late.shown()], [[], []]);
    assert.deepEqual(store.ends, ['acme: the hold is over (weir)']);
    await late.enforcer.stop();
  });

  it('tells the store who set and who lifted a limit', async () => {
    const store = new MemoryStore();
    const { enforcer } = new EnforcerBed(bed, configure(), store);
    await enforcer.start(0);
    await enforcer.order({ tenant: 'acme', rateBps: 2e6, forMs: null, reason: 'a call', by: 'ada' }, 1000);
    assert.deepEqual(store.standing, ['acme: a call (ada)']);
    await enforcer.release('acme', 'bob', 2000);
    assert.deepEqual([store.standing, store.ends], [[], ['acme: released by hand (bob)']]);
    await enforcer.stop();
  });

  it('refuses to start where another daemon limits', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'weir-lock-'));
    const other = new WriterLock(directory);
    assert.equal(other.take(), null);
    const config = configure();
    const options = { config, log: quiet, ownAddresses: () => [], seed: 0, store: null };
    const enforcer = new Enforcer({ ...options, limiter: new Limiter(bed.tc), lock: new WriterLock(directory) });
    await assert.rejects(enforcer.start(0), {
      message: `Cannot limit here: another daemon does (process ${process.pid})`,
    });
    await bed.limiterWith([edgeLimit('acme')]);
    const observer = configure({ enforcement: { mode: 'observe' } });
    const observing = new Enforcer({
      ...options,
      config: observer,
      limiter: new Limiter(bed.tc),
      lock: new WriterLock(directory),
    });
    await observing.start(0);
    assert.notDeepEqual(await bed.standing(), [], 'an observer leaves alone what another daemon has set');
    other.release();
    await observing.start(0);
    assert.deepEqual(await bed.standing(), []);
    await observing.stop();
    rmSync(directory, { recursive: true });
  });

  it('says what it would limit, and changes nothing, while it observes', async () => {
    const config = configure({ enforcement: { mode: 'observe' } });
    const tested = new EnforcerBed(bed, config);
    const { enforcer, executor } = tested;
    await enforcer.start(0);
    enforcer.tick([overThreshold('acme')], 1000);
    assert.deepEqual(tested.shown(), ['acme observed: enforcement.mode is observe']);
    await enforcer.stop();
    assert.equal(executor.runs, 0);
  });
});
