import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { decodeFrame } from '../../../daemon/metering/decode.ts';
import { TCP_ACK, TCP_SYN, TCP_SYN_ACK } from '../../../daemon/metering/decodeResult.ts';
import { FRAME_IP, Header } from '../../../daemon/metering/header.ts';
import { Meter } from '../../../daemon/metering/meter.ts';
import { Tick } from '../../../daemon/metering/tick.ts';
import { TABLES, Window } from '../../../daemon/metering/window.ts';
import { TenantDirectory } from '../../../daemon/tenants/directory.ts';
import type { FrameBlock } from '../../../probes/probe.ts';
import { HOUR, MINUTE, MONDAY } from './calendar.ts';
import { Office } from './office.ts';
import { run } from './simulate.ts';

const SPAN = { startMs: MONDAY + 10 * HOUR, endMs: MONDAY + 10 * HOUR + 2 * MINUTE };

function simulated(seed: number, take: (block: FrameBlock) => void, span = SPAN): void {
  run(span, (writer, agenda) => new Office(writer, agenda, { seed, ...span }).open(), take);
}

const digest = (seed: number): string => {
  const hash = createHash('sha256');
  simulated(seed, ({ bytes, timesMs, wireLengths, count }) => {
    hash
      .update(bytes.subarray(0, count * 64))
      .update(timesMs.subarray(0, count))
      .update(wireLengths.subarray(0, count));
  });
  return hash.digest('hex');
};

const framesAt = (hour: number): number => {
  let frames = 0;
  const startMs = MONDAY + hour * HOUR;
  simulated(1, ({ count }) => (frames += count), { startMs, endMs: startMs + MINUTE });
  return frames;
};

const SYN = 2;
const ACK = 16;

/** Connections by the client's ends, as nothing but flags and numbers of the frames show them. */
class Handshakes {
  readonly #synOf = new Map<string, number>();
  readonly #synAckOf = new Map<string, number>();
  syns = 0;
  synAcks = 0;
  completed = 0;
  /** Segments that no stack would send at that point. */
  readonly contradictions: string[] = [];

  observe(view: DataView, at: number): void {
    const word = (offset: number): number => view.getUint32(at + offset);
    const source = `${word(26)}:${view.getUint16(at + 34)}`;
    const destination = `${word(30)}:${view.getUint16(at + 36)}`;
    const [there, back] = [`${source} ${destination}`, `${destination} ${source}`];
    const flags = view.getUint8(at + 47);
    const [sequence, acknowledged] = [word(38), word(42)];
    if ((flags & (SYN | ACK)) === SYN) {
      this.syns += 1;
      const known = this.#synOf.get(there);
      if (known !== undefined && known !== sequence && !this.#synAckOf.has(back))
        this.contradictions.push(`${there}: another SYN`);
      this.#synOf.set(there, sequence);
    } else if ((flags & (SYN | ACK)) === (SYN | ACK)) {
      this.synAcks += 1;
      const syn = this.#synOf.get(back);
      if (syn === undefined || acknowledged !== (syn + 1) >>> 0)
        this.contradictions.push(`${there}: SYN-ACK of nothing`);
      this.#synAckOf.set(there, sequence);
    } else if (this.#synAckOf.get(back) !== undefined && this.#synOf.has(there)) {
      const synAck = this.#synAckOf.get(back) ?? 0;
      if (acknowledged < (synAck + 1) >>> 0 && acknowledged !== 0)
        this.contradictions.push(`${there}: acknowledges too little`);
      if (acknowledged === (synAck + 1) >>> 0) this.completed += 1;
    }
  }
}

describe('Office', function () {
  this.timeout(60_000);

  it('gives the same frames for the same seed, and others for another', () => {
    assert.equal(digest(1), digest(1));
    assert.notEqual(digest(1), digest(2));
  });

  it('gives frames in order, of which every one can be decoded', () => {
    const header = new Header();
    let lastMs = SPAN.startMs;
    let frames = 0;
    simulated(1, ({ bytes, offsets, capturedLengths, wireLengths, timesMs, linkType, count }) => {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      for (let i = 0; i < count; i++) {
        const frame = decodeFrame(view, offsets[i]!, capturedLengths[i]!, wireLengths[i]!, linkType, header);
        if (frame !== FRAME_IP || header.reason > 1 || timesMs[i]! < lastMs)
          assert.fail(`frame ${frames}: ${header.reason}`);
        lastMs = timesMs[i]!;
        frames += 1;
      }
    });
    assert.ok(frames > 100_000, `${frames} frames`);
    assert.ok(lastMs < SPAN.endMs);
  });

  it('opens and answers connections as stacks do, and the meter counts them as they are', () => {
    const oracle = new Handshakes();
    const metered = { syns: 0, synAcks: 0, acks: 0 };
    const window = new Window({ tenants: 0, ...TABLES.internet });
    const tick = new Tick({
      meter: new Meter(new TenantDirectory([]), window),
      nextWindow: () => window,
      onWindow: () => {
        metered.syns += window.totals[TCP_SYN]!;
        metered.synAcks += window.totals[TCP_SYN_ACK]!;
        metered.acks += window.totals[TCP_ACK]!;
      },
      dropped: () => 0,
    });
    simulated(1, (block) => {
      tick.observe(block);
      const view = new DataView(block.bytes.buffer, block.bytes.byteOffset, block.bytes.byteLength);
      for (let i = 0; i < block.count; i++)
        if (view.getUint8(block.offsets[i]! + 23) === 6) oracle.observe(view, block.offsets[i]!);
    });
    tick.finish();
    assert.deepEqual(oracle.contradictions.slice(0, 5), []);
    assert.deepEqual({ syns: metered.syns, synAcks: metered.synAcks }, { syns: oracle.syns, synAcks: oracle.synAcks });
    assert.ok(metered.acks > oracle.completed);
    // A few in a hundred fail, as they do, besides the peers that are gone.
    const failed = 1 - oracle.synAcks / oracle.syns;
    assert.ok(failed > 0.02 && failed < 0.2, `${failed} of ${oracle.syns} connections fail`);
  });

  it('is quiet in the early morning', () => {
    assert.ok(framesAt(6) < framesAt(10) / 2);
  });
});
