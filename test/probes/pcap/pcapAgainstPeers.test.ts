import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { parse, type ParsedPacket } from 'pcap-parser';
import { capturesOrPending } from '../../support/captures.ts';
import { type ReadFile, type ReadFrame, readFile } from './captureFile.ts';

/** Both of them read, cut to whole microseconds. */
interface Packet {
  readonly microseconds: number;
  readonly captured: string;
  readonly wireLength: number;
}

/** Null: pcap-parser cannot read it, for it is pcapng or in nanoseconds. */
function parsed(input: Buffer): Promise<Packet[] | null> {
  const { promise, resolve } = Promise.withResolvers<Packet[] | null>();
  const packets: Packet[] = [];
  parse(Readable.from([input]))
    .on('packet', ({ header, data }: ParsedPacket) =>
      packets.push({
        microseconds: header.timestampSeconds * 1e6 + header.timestampMicroseconds,
        captured: data.toString('hex'),
        wireLength: header.originalLength,
      }),
    )
    .on('error', () => resolve(null))
    .on('end', () => resolve(packets));
  return promise;
}

/** tcpdump reads a file, of whatever format, and writes it as classic pcap in microseconds, little endian. */
async function readByTcpdump(input: Buffer): Promise<Packet[]> {
  const { stdout } = spawnSync('tcpdump', ['-r', '-', '-w', '-'], { input, maxBuffer: 2 ** 28 });
  return (await parsed(stdout)) ?? [];
}

function unpacked(path: string): Buffer {
  const bytes = readFileSync(path);
  return path.endsWith('.gz') ? gunzipSync(bytes) : bytes;
}

/** tcpdump cuts nanoseconds off; a double of milliseconds has 0.25 µs. */
function isSame({ timeMs, bytes, wireLength }: ReadFrame, theirs: Packet): boolean {
  const lag = timeMs * 1000 - theirs.microseconds;
  return bytes === theirs.captured && wireLength === theirs.wireLength && lag > -0.5 && lag < 1.5;
}

function assertSame({ frames }: ReadFile, theirs: readonly Packet[], path: string): void {
  assert.equal(frames.length, theirs.length, path);
  frames.forEach((frame, i) => assert(isSame(frame, theirs[i] ?? assert.fail()), `${basename(path)}: packet ${i}`));
}

const capturesOf = (context: Mocha.Context, folder: string): string[] =>
  capturesOrPending(context, folder).filter((path) => /\.pcap(?:ng)?(?:\.gz)?$/.test(path));

async function compareWhole(path: string): Promise<void> {
  const ours = readFile(path);
  assert.equal(ours.problem, null, path);
  const file = unpacked(path);
  // tcpdump refuses a file of several link types.
  if (!path.endsWith('many_interfaces-1.pcapng')) assertSame(ours, await readByTcpdump(file), path);
  const theirs = await parsed(file);
  if (theirs !== null) assertSame(ours, theirs, path);
}

async function compareBroken(path: string): Promise<void> {
  const ours = readFile(path);
  const file = unpacked(path);
  const theirs = await readByTcpdump(file);
  assert.equal(ours.frames.length, theirs.length, path);
  // tcpdump cuts packets at the file's snap length, even where the file has more of them.
  ours.frames.forEach(({ bytes }, i) =>
    assert(bytes.startsWith(theirs[i]?.captured ?? 'none'), `${path}: packet ${i}`),
  );
  const all = await parsed(file);
  if (all !== null)
    assert.deepEqual(
      bytesOf(ours),
      all.map(({ captured }) => captured),
      path,
    );
}

const bytesOf = ({ frames }: ReadFile): string[] => frames.map(({ bytes }) => bytes);

/** A wire length of 524,501, for which tcpdump refuses it; and two snap lengths. */
const EXCEPTIONS = new Set(['nd-fuzz-2021-10-13.pcap', 'pp-ipv4-malformed.pcap']);

describe('openPcap', () => {
  for (const folder of ['benign', 'floods', 'scans', 'sip-rtp', 'smtp', 'spoof-anomalies', 'worm-malware', 'formats'])
    it(`reads each packet as tcpdump and pcap-parser do, in ${folder}`, async function () {
      this.timeout(60_000);
      await Promise.all(capturesOf(this, folder).map(compareWhole));
    });

  it('reads as many packets as tcpdump of broken files, and each from the same bytes on', async function () {
    this.timeout(60_000);
    const broken = capturesOf(this, 'malformed').filter((path) => !EXCEPTIONS.has(basename(path)));
    await Promise.all(broken.map(compareBroken));
  });
});
