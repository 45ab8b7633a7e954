import assert from 'node:assert/strict';
import { defaultConfig } from '../daemon/config/host.ts';
import { WINDOW_MS } from '../daemon/metering/window.ts';
import { Pipeline } from '../daemon/pipeline.ts';
import { buildWindow, strangers, testContext, type Traffic } from './support/windowBuilder.ts';

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
});
