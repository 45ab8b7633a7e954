import assert from 'node:assert/strict';
import { defaultConfig } from '../daemon/config/host.ts';
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
