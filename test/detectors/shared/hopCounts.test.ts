import assert from 'node:assert/strict';
import { spoofedSource } from '../../../daemon/detectors/spoofedSource.ts';
import type { Detector, Json } from '../../../daemon/detectors/detector.ts';
import { Meter } from '../../../daemon/metering/meter.ts';
import { Tick } from '../../../daemon/metering/tick.ts';
import { TABLES, Window } from '../../../daemon/metering/window.ts';
import { blockOf, frame, type FrameSpec, patched, TCP_FLAGS, type TimedFrame } from '../../support/frames.ts';
import { trafficEvidence } from '../../support/trafficEvidence.ts';
import { testContext } from '../../support/windowBuilder.ts';
import { told } from '../findings.ts';

const PBX = '198.51.100.9';
const MINUTE_MS = 60_000;
const START_MS = 1_700_000_000_000;
const TTL_AT = 22;
const [SEQUENCE_AT, ACK_AT] = [38, 42];
const { syn, ack } = TCP_FLAGS;

const segment = (spec: Partial<FrameSpec>, ttl: number): Uint8Array =>
  patched(frame({ source: PBX, destination: PBX, destinationPort: 443, ...spec }), TTL_AT, ttl);

/** A SYN, its SYN-ACK, and the ACK of the number that came with it. */
const handshake = (source: string, ttl: number, acknowledged = 8): Uint8Array[] => [
  segment({ source }, ttl),
  patched(
    segment({ destination: source, sourcePort: 443, destinationPort: 40_000, flags: syn | ack }, 64),
    SEQUENCE_AT,
    0,
    0,
    0,
    7,
  ),
  patched(segment({ source, flags: ack }, ttl), ACK_AT, 0, 0, 0, acknowledged),
];

/** What is told of frames that come at these minutes, and of the seconds after them. */
class Bed {
  readonly #context = testContext();
  readonly #window = new Window({ tenants: this.#context.tenants.length, ...TABLES.internet });
  readonly #detector: Detector = spoofedSource.create(spoofedSource.config.parse({}), this.#context);
  readonly #tick: Tick;
  readonly told: string[] = [];

  constructor(saved: Json = null) {
    this.#detector.restore(saved);
    this.#tick = new Tick({
      meter: new Meter(this.#context.directory, this.#window, { seed: this.#context.hashSeed }),
      nextWindow: () => this.#window,
      dropped: () => 0,
      onWindow: (window) => {
        for (const finding of this.#detector.observe(window))
          if (finding.value >= finding.threshold)
            this.told.push(`${told(finding)}: ${trafficEvidence(finding).type} ${finding.value} ${finding.confidence}`);
      },
    });
  }

  see(minute: number, ...frames: readonly Uint8Array[]): this {
    const atMs = START_MS + minute * MINUTE_MS;
    const timed = frames.map((bytes, i): TimedFrame => ({ bytes, timeMs: atMs + i * 10 }));
    this.#tick.observe(blockOf(timed));
    for (let afterMs = 0; afterMs < 5000; afterMs += 250) this.#tick.advance(atMs + frames.length * 10 + afterMs);
    return this;
  }

  /** Clients of 203.0.113.0/24 and their handshakes over 70 minutes. */
  learn(acknowledged?: number): this {
    for (let i = 0; i < 8; i++) this.see(i * 10, ...handshake(`203.0.113.${i + 1}`, 64 - 12, acknowledged));
    return this;
  }

  save(): Json {
    const saved: Json = JSON.parse(JSON.stringify(this.#detector.save()));
    return saved;
  }
}

/** Twelve SYNs from 203.0.113.77, to a port each: `ttl` of the i-th. */
const forged = (ttl: (i: number) => number): Uint8Array[] =>
  Array.from({ length: 12 }, (_, i) => segment({ source: '203.0.113.77', destinationPort: 1000 + i }, ttl(i)));

const NAMED = [`inbound acme ${PBX} by 203.0.113.77: hopCount 12 0.43`];

describe('HopCounts', () => {
  it('names who comes from another distance than his prefix, and does not connect', () => {
    const all = new Bed().learn().see(71, ...forged(() => 128 - 3)).told;
    assert.deepEqual([...new Set(all)], NAMED);
  });

  it('knows what it has learnt after a restart', () => {
    const all = new Bed(new Bed().learn().save()).see(71, ...forged(() => 128 - 3)).told;
    assert.deepEqual([...new Set(all)], NAMED);
  });

  const silent: readonly (readonly [what: string, learnt: Bed, frames: readonly Uint8Array[]])[] = [
    ['the same distance, from another initial TTL', new Bed().learn(), forged(() => 128 - 12)],
    ['one router more', new Bed().learn(), forged(() => 64 - 13)],
    ['who puts random numbers there', new Bed().learn(), forged((i) => 40 + i)],
    ['a prefix of which nothing is known', new Bed(), forged(() => 128 - 3)],
    ['a prefix whose handshakes were forged as well', new Bed().learn(9), forged(() => 128 - 3)],
    [
      'another route, by which they connect',
      new Bed().learn(),
      [...forged(() => 64 - 18), ...handshake('203.0.113.78', 64 - 18)],
    ],
  ];
  for (const [what, bed, frames] of silent)
    it(`is silent on ${what}`, () => assert.deepEqual(bed.see(71, ...frames).told, []));

  it('is silent on a prefix of whose handshakes the first was less than an hour ago', () => {
    const bed = new Bed();
    for (let i = 0; i < 50; i++) bed.see(i, ...handshake(`203.0.113.${i + 1}`, 64 - 12));
    assert.deepEqual(bed.see(59, ...forged(() => 128 - 3)).told, []);
  });

  it('remembers so many prefixes over a restart and no more', () => {
    const bed = new Bed();
    for (let second = 0; second < 60; second++)
      for (let i = 0; i < 4; i++) {
        const clients = Array.from({ length: 30 }, (_, j) => `9.${second}.${i * 30 + j}.1`);
        bed.see(second + i / 4, ...clients.flatMap((client) => handshake(client, 50)));
      }
    const bytes = JSON.stringify(bed.save()).length;
    assert(bytes > 50_000 && bytes < 200_000, `${bytes} bytes`);
  });
});
