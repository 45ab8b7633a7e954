/** What is fuzzed: the decoders of everything that strangers can send. A target throws where an invariant is broken. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeFrame } from '../../daemon/metering/decode.ts';
import { DECODED_LINK_TYPES } from '../../daemon/metering/decodeLinks.ts';
import { DECODE_REASONS } from '../../daemon/metering/decodeResult.ts';
import { FRAME_UNREADABLE, Header } from '../../daemon/metering/header.ts';
import { DecodeError } from '../../probes/decodeError.ts';

import { FlowDecoder } from '../../probes/netflow/flowDecoder.ts';
import { UDP_SESSION } from '../../probes/netflow/message.ts';
import { openPcap } from '../../probes/pcap/pcapProbe.ts';
import { CAPTURES, readCapture } from '../support/captures.ts';
import { flowCaptures } from '../support/flowCaptures.ts';
import { ownFlowDatagrams } from '../support/ownFlowDatagrams.ts';
import { FlowCheck } from './flowCheck.ts';

export interface Target {
  readonly name: string;
  /** Whose blocks count as new ground: a part of their path. */
  readonly source: string;
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

function pcapTarget(): Target {
  const path = `/dev/shm/weir-fuzz-${process.pid}.pcap`;
  process.once('exit', () => rmSync(path, { force: true }));
  return {
    name: 'captures',
    source: '/probes/pcap/',
    seeds: () =>
      filesOf('formats')
        .map((each) => new Uint8Array(readFileSync(each)))
        .filter(({ length }) => length <= 20_000)
        .concat(
          Uint8Array.from(
            Buffer.from('d4c3b2a1020004000000000000000000000004000100000000000000000000000100000001000000ff', 'hex'),
          ),
        ),
    reset() {},
    run(input) {
      writeFileSync(path, input);
      try {
        const probe = openPcap(path);
        try {
          let frames = 0;
          for (let block = probe.next(0); block !== null; block = probe.next(0)) {
            frames += block.count;
            assert(frames <= input.length, `${frames} frames`);
            for (let i = 0; i < block.count; i++) {
              assert(
                (block.offsets[i] ?? 0) + (block.capturedLengths[i] ?? 0) <= block.bytes.length,
                'a frame beyond the block',
              );
              assert(Number.isFinite(block.timesMs[i]), `time ${block.timesMs[i]}`);
            }
            probe.release(block);
          }
        } finally {
          probe.close();
        }
      } catch (error) {
        if (!(error instanceof DecodeError)) throw error;
      }
    },
  };
}

export const TARGETS: Readonly<Record<string, () => Target>> = {
  flows: flowTarget,
  frames: frameTarget,
  captures: pcapTarget,
};
