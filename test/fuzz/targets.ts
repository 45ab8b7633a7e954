/** What is fuzzed: the decoders of everything that strangers can send. A target throws where an invariant is broken. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { decodeFrame } from '../../daemon/metering/decode.ts';
import { DECODED_LINK_TYPES } from '../../daemon/metering/decodeLinks.ts';
import { DECODE_REASONS } from '../../daemon/metering/decodeResult.ts';
import { FRAME_UNREADABLE, Header } from '../../daemon/metering/header.ts';
import { DecodeError } from '../../probes/decodeError.ts';

import { FlowDecoder } from '../../probes/netflow/flowDecoder.ts';
import { UDP_SESSION } from '../../probes/netflow/message.ts';
import { isGzip } from '../../probes/pcap/gunzipInput.ts';
import { openPcap } from '../../probes/pcap/pcapProbe.ts';
import type { FrameBlock } from '../../probes/probe.ts';
import { captureFile, type CaptureRecord } from '../probes/pcap/captureFile.ts';
import { pcapngWriter } from '../probes/pcap/pcapngFile.ts';
import { CAPTURES, readCapture } from '../support/captures.ts';
import { flowCaptures } from '../support/flowCaptures.ts';
import { ownFlowDatagrams } from '../support/ownFlowDatagrams.ts';
import { FlowCheck } from './flowCheck.ts';

/** As far as deflate can pack anything (RFC 1951). */
const MOST_PACKED = 1032;
/** What a Date can hold. */
const MAX_DATE_MS = 8.64e15;

export interface Target {
  readonly name: string;
  /** Whose blocks count as new ground: a part of their path. */
  readonly source: string;
  /** No input may take longer. */
  readonly slowMs: number;
  seeds(): Uint8Array[];
  /** Forgets all earlier inputs. */
  reset(): void;
  run(input: Uint8Array): void;
}

/** Real captures, where there are any beside the repository. */
function filesOf(folder: string): string[] {
  const path = join(CAPTURES, folder);
  return existsSync(path) ? readdirSync(path).map((name) => join(path, name)) : [];
}

const netflowSeeds = (): Uint8Array[] =>
  [...ownFlowDatagrams, ...flowCaptures()].flatMap(({ datagrams }) => datagrams.map(({ bytes }) => bytes));

const EXPORTER = '192.0.2.1';

function flowTarget(): Target {
  const check = new FlowCheck();
  let decoder = new FlowDecoder(check);
  let saved = '[]';
  let runs = 0;
  return {
    name: 'flows',
    source: '/probes/netflow/',
    slowMs: 1,
    seeds: netflowSeeds,
    reset() {
      saved = JSON.stringify(decoder.save());
      decoder = new FlowDecoder(check);
      // Templates of the runs before, now and then.
      if ((runs++ & 3) === 0) decoder.restore(JSON.parse(saved));
    },
    run(input) {
      check.records = 0;
      // One batch in four over TCP, whose connections end.
      const session = runs & 3;
      decoder.decode(EXPORTER, input, 0, input.length, 1_700_000_000_000 + runs, session === 3 ? session : UDP_SESSION);
      if (session === 3 && (input.length & 63) === 0) decoder.endSession(EXPORTER, session);
      assert(check.records <= 2 * 4096 + 8192, `${check.records} records`);
    },
  };
}

/** All that are decoded, and one that is not. */
const LINK_TYPES = [...DECODED_LINK_TYPES, 107];

function frameTarget(): Target {
  const header = new Header();
  return {
    name: 'frames',
    source: '/daemon/metering/decode',
    slowMs: 1,
    seeds: () => [
      ...filesOf('formats').concat(filesOf('malformed')).flatMap(firstFrames),
      Uint8Array.from([1, ...Buffer.from('ffffffffffff0200000000010800', 'hex'), ...Buffer.alloc(40, 0x45)]),
    ],
    reset() {},
    run(input) {
      const linkType = LINK_TYPES[(input[0] ?? 0) % LINK_TYPES.length] ?? 1;
      const view = new DataView(input.buffer, input.byteOffset, input.length);
      const captured = Math.max(0, input.length - 1);
      const start = input.length - captured;
      for (const wireLength of [captured, captured + 100]) {
        const frameClass = decodeFrame(view, start, captured, wireLength, linkType, header);
        assert(DECODE_REASONS[header.reason] !== undefined, `reason ${header.reason}`);
        if (frameClass === FRAME_UNREADABLE) assert(header.reason !== 0, 'unreadable without a reason');
        for (const port of [header.sourcePort, header.destinationPort])
          assert(port >= -1 && port <= 0xffff, `port ${port}`);
      }
    },
  };
}

/** The link type's place in LINK_TYPES before each. */
function firstFrames(path: string): Uint8Array[] {
  try {
    return readCapture(path)
      .slice(0, 8)
      .map(({ bytes, linkType }) =>
        Uint8Array.from([Math.max(0, LINK_TYPES.indexOf(linkType)), ...bytes.subarray(0, 2000)]),
      );
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return [];
  }
}

/** Captures of each kind that real ones here are not: relatives of the classic format, everything that pcapng can have, gzip. */
function captureSeeds(): Uint8Array<ArrayBuffer>[] {
  const record = (i: number): CaptureRecord => ({ seconds: i, fraction: i, bytes: hashed(40), wireLength: 60 });
  const format = { isLittleEndian: true, isNano: false, linkType: 1 };
  const [little, big] = [pcapngWriter(true), pcapngWriter(false)];
  const { option, u32, block, on, enhanced } = little;
  const classic = [
    {},
    { isNano: true },
    { isLittleEndian: false },
    { extraBytes: 8 },
    { magic: 0xa1b2cd34, extraBytes: 12 },
  ];
  const blocks = [
    little.section(),
    on(1, 0, option(2, hashed(5)), option(9, Uint8Array.of(9)), option(14, u32(100, 0)), option(0, hashed(0))),
    on(101, 64, option(9, Uint8Array.of(0x8a))),
    enhanced(0, 1_700_000_000_000_000_000n, hashed(60), 1500),
    enhanced(1, 2_000n, hashed(20)),
    block(0xbad, hashed(24)),
    little.simple(hashed(33)),
    little.obsolete(1, 3_000n, hashed(7)),
    big.section(),
    big.on(113),
    big.enhanced(0, 5n, hashed(30)),
  ];
  const plain = [
    ...classic.map((variant) => captureFile({ ...format, ...variant }, [0, 1, 2, 3].map(record))),
    Buffer.concat(blocks),
  ];
  const packed = plain.flatMap((file) => [
    gzipSync(file, { level: 0 }),
    gzipSync(file, { level: 9 }),
    Buffer.concat([gzipSync(file.subarray(0, 100)), new Uint8Array(2), gzipSync(file.subarray(100))]),
  ]);
  return [...plain, ...packed].map((file) => Uint8Array.from(file));
}

/** Bytes with no pattern that a deflater could use. */
const hashed = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => Math.imul(i + length, 0x9e3779b1) >>> 24);

function pcapTarget(): Target {
  const path = `/dev/shm/weir-fuzz-${process.pid}.pcap`;
  process.once('exit', () => rmSync(path, { force: true }));
  return {
    name: 'captures',
    source: '/probes/pcap/',
    slowMs: 10, // a file is written first
    seeds: () =>
      filesOf('formats')
        .map((each) => new Uint8Array(readFileSync(each)))
        .filter(({ length }) => length <= 20_000)
        .concat(captureSeeds()),
    reset() {},
    run(input) {
      writeFileSync(path, input);
      const frames = readAndCheck(path, input);
      if (isGzip(input) || (input.length & 15) !== 0) return;
      // Packed, it is the same.
      writeFileSync(path, gzipSync(input, { level: 0 }));
      assert.equal(readAndCheck(path, input), frames);
    },
  };
}

/** How many frames there are. */
function readAndCheck(path: string, input: Uint8Array): number {
  let frames = 0;
  try {
    const probe = openPcap(path);
    try {
      for (let block = probe.next(0); block !== null; block = probe.next(0)) {
        frames += block.count;
        assert(frames <= (input.length + 1) * (isGzip(input) ? MOST_PACKED : 1), `${frames} frames`);
        checkBlock(block);
        probe.release(block);
      }
    } finally {
      probe.close();
    }
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
  }
  return frames;
}

function checkBlock({ bytes, count, offsets, capturedLengths, wireLengths, timesMs }: FrameBlock): void {
  for (let i = 0; i < count; i++) {
    const captured = capturedLengths[i] ?? 0;
    assert((offsets[i] ?? 0) + captured <= bytes.length, 'a frame beyond the block');
    assert((wireLengths[i] ?? 0) >= captured, 'a frame shorter than what was captured of it');
    assert(Math.abs(timesMs[i] ?? Number.NaN) <= MAX_DATE_MS, `time ${timesMs[i]}`);
  }
}

export const TARGETS: Readonly<Record<string, () => Target>> = {
  flows: flowTarget,
  frames: frameTarget,
  captures: pcapTarget,
};
