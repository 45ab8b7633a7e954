import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { captureFile, type CaptureRecord, type FileFormat } from './captureFile.ts';

const PROBE = new URL('../../../probes/pcap/pcapProbe.ts', import.meta.url).href;
const FORMAT: FileFormat = { isLittleEndian: true, isNano: false, linkType: 1 };

/** Reads standard input to its end; prints the frames, their bytes, and the error. */
const READER = `
  import { openPcap } from ${JSON.stringify(PROBE)};
  let frames = 0, bytes = 0, problem = null;
  try {
    const probe = openPcap('-');
    for (let block = probe.next(0); block !== null; block = probe.next(0)) {
      frames += block.count;
      for (let i = 0; i < block.count; i++) bytes += block.capturedLengths[i];
      process.stderr.write('.');
    }
  } catch ({ message }) {
    problem = message;
  }
  process.stdout.write(JSON.stringify({ frames, bytes, problem }));
`;

/** Touching it makes Node set O_NONBLOCK on the pipe, as a Node parent that shares its input does. Then it says so. */
const NON_BLOCKING = "process.stdin.pause(); process.stderr.write('.');";

function startReader(prelude = '') {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', prelude + READER], { stdio: 'pipe' });
  const result = text(child.stdout).then((printed) => JSON.parse(printed) as unknown);
  return { child, result };
}

const records = Array.from({ length: 300 }, (_, i): CaptureRecord => {
  const bytes = new Uint8Array((i * 37) % 400);
  return { seconds: i, fraction: 0, bytes, wireLength: 400 };
});
const file = captureFile(FORMAT, records);
const expected = { frames: 300, bytes: records.reduce((sum, { bytes }) => sum + bytes.length, 0), problem: null };

function* piecesOf(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** Writes in small pieces, each given to the kernel before the next. */
async function drip(into: NodeJS.WritableStream, bytes: Uint8Array, size: number): Promise<void> {
  for await (const piece of Readable.from(piecesOf(bytes, size))) {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    into.write(piece, resolve);
    await promise;
  }
}

describe("openPcap('-')", () => {
  for (const size of [1, 7, 16, 100, 65_536])
    it(`reads what comes through a pipe in pieces of ${size} bytes`, async () => {
      const { child, result } = startReader();
      await drip(child.stdin, file, size);
      child.stdin.end();
      assert.deepEqual(await result, expected);
    });

  for (const size of [1, 7, 65_536])
    it(`unpacks what comes through a pipe in pieces of ${size} bytes`, async () => {
      const { child, result } = startReader();
      await drip(child.stdin, gzipSync(file), size);
      child.stdin.end();
      assert.deepEqual(await result, expected);
    });

  it('gives the frames that are there while the pipe is still open', async () => {
    const { child, result } = startReader();
    await drip(child.stdin, file.subarray(0, 5000), 5000);
    await once(child.stderr, 'data'); // a block was given
    child.stdin.end(file.subarray(5000));
    assert.deepEqual(await result, expected);
  });

  it('waits for a pipe that another process has made non-blocking', async () => {
    const { child, result } = startReader(NON_BLOCKING);
    await once(child.stderr, 'data'); // it reads, and there is nothing
    await drip(child.stdin, file.subarray(0, 5000), 5000);
    await once(child.stderr, 'data'); // it has given a block
    await drip(child.stdin, file.subarray(5000), 1000);
    child.stdin.end();
    assert.deepEqual(await result, expected);
  });

  it('says where a pipe that broke off ended', async () => {
    const { child, result } = startReader();
    child.stdin.end(file.subarray(0, 24 + 16 + 16 + 36));
    assert.deepEqual(await result, {
      frames: 1,
      bytes: 0,
      problem: 'Cannot read standard input: record truncated at byte 40',
    });
  });

  it('says that nothing came', async () => {
    const { child, result } = startReader();
    child.stdin.end();
    const problem = 'Cannot read standard input: file header truncated at byte 0';
    assert.deepEqual(await result, { frames: 0, bytes: 0, problem });
  });
});
