import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultConfig } from '../daemon/config/host.ts';
import { detectorDefinitions } from '../daemon/detectors/index.ts';
import { WINDOW_MS } from '../daemon/metering/window.ts';
import { Pipeline } from '../daemon/pipeline.ts';
import { buildWindow, strangers, testContext, testTenant, type Traffic } from './support/windowBuilder.ts';

const PBX = '198.51.100.9';
const PHONE = '203.0.113.1';
const MEDIA: Traffic = { from: strangers(200), to: PBX, kind: 'udp', packets: 12_000, ports: [16_384] };
const TLS: readonly Traffic[] = [{ from: PHONE, to: PBX, kind: 'tcpAck', packets: 50 }];
const ACKS: readonly Traffic[] = [{ from: PBX, to: PHONE, kind: 'tcpAck', packets: 25 }];

/** Twenty seconds of signalling, then the media of 960 calls that come in: how sure it is of a flood. */
function confidenceWith(signalling: readonly Traffic[]): number | undefined {
  const pipeline = new Pipeline(defaultConfig(), testContext());
  for (let startMs = 0; startMs < 20_000; startMs += WINDOW_MS) {
    pipeline.observe('mirror', buildWindow(signalling, { startMs }));
  }
  const [change] = pipeline.observe('mirror', buildWindow([...signalling, MEDIA], { startMs: 20_000 }));
  return change?.incident.confidence;
}

describe('Pipeline', () => {
  it('names what nobody answers where one direction alone is seen, and is half as sure of it', () => {
    assert.equal(confidenceWith(TLS), 0.48);
    assert.equal(confidenceWith([...TLS, ...ACKS]), 0.95);
    assert.equal(confidenceWith([]), 0.95);
  });

  it('takes up other thresholds and plans: what is changed keeps what it remembers, what is not goes on', () => {
    const planned = (rateBps: number) =>
      testTenant('acme', [`${PBX}/32`], { threshold: { rateBps, packetsPerSecond: null, forMs: 1000 } });
    const context = testContext([planned(1e9)]);
    const busy: Traffic = { from: PHONE, to: PBX, kind: 'tcpAck', packets: 100, bytes: 1000 };
    const pipeline = new Pipeline(defaultConfig(), context);
    const observe = (startMs: number) => pipeline.observe('eth0', buildWindow([busy], { context, startMs }));
    const instances = () => new Map([...pipeline.detectors()].map(({ detector }) => [detector.id, detector]));
    assert.deepEqual(observe(0), []);
    const before = instances();
    const { detectors } = defaultConfig();
    const changed = { ...detectors, portScan: { ...detectors['portScan'], mode: 'off' as const } };
    pipeline.reconfigure({ ...defaultConfig(), detectors: changed, tenants: [planned(1e6)] });
    const after = instances();
    assert.equal(after.has('portScan'), false);
    assert.equal(after.get('synFlood'), before.get('synFlood'));
    assert.notEqual(after.get('bandwidthThreshold'), before.get('bandwidthThreshold'));
    const [change] = observe(WINDOW_MS);
    assert.deepEqual([change?.incident.value, change?.incident.threshold], [1_600_000, 1e6]);
  });

  it('makes every detector that looks at plans anew when they change', () => {
    const folder = join(import.meta.dirname, '../daemon/detectors');
    const readers = detectorDefinitions.filter(({ id }) =>
      /\bplan\b/.test(readFileSync(join(folder, `${id}.ts`), 'utf8')),
    );
    assert.ok(readers.length > 0);
    assert.deepEqual(
      detectorDefinitions.filter(({ readsPlans }) => readsPlans === true).map(({ id }) => id),
      readers.map(({ id }) => id),
    );
  });

  it('hands what its detectors remembered to those of the next run, each at its own point', () => {
    const threshold = { rateBps: 1e6, packetsPerSecond: null, forMs: 1000 };
    const context = testContext([testTenant('acme', [`${PBX}/32`], { threshold })]);
    const busy: Traffic = { from: PHONE, to: PBX, kind: 'tcpAck', packets: 100, bytes: 1000 };
    const first = new Pipeline(defaultConfig(), context);
    first.observe('eth0', buildWindow([busy], { context, startMs: 0 }));
    const memories = [...first.detectors()].map(({ point, detector }) => ({
      point,
      detector: detector.id,
      state: detector.save(),
    }));
    assert.ok(memories.some(({ state }) => state !== null));
    const valuesAt = (point: string) => {
      const next = new Pipeline(defaultConfig(), context);
      next.restore(memories);
      const changes = next.observe(point, buildWindow([busy], { context, startMs: WINDOW_MS }));
      return changes.map(({ incident }) => incident.value);
    };
    assert.deepEqual([valuesAt('eth0'), valuesAt('eth1')], [[1_600_000], []]);
  });
});
