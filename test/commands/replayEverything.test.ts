import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { basename } from 'node:path';
import { text } from 'node:stream/consumers';
import { allCapturesOrPending } from '../support/captures.ts';

const REPLAY = new URL('../../daemon/commands/replay.ts', import.meta.url).href;

/** One process for all captures, for its start takes longer than most of them. */
const SCRIPT = `
  import { text } from 'node:stream/consumers';
  import { replay } from ${JSON.stringify(REPLAY)};
  const write = process.stdout.write.bind(process.stdout);
  let printed;
  for (const name of ['stdout', 'stderr'])
    process[name].write = (text) => {
      printed[name] += text;
      return true;
    };
  const outcomes = [];
  for (const path of JSON.parse(await text(process.stdin))) {
    printed = { stdout: '', stderr: '' };
    const startMs = performance.now();
    const code = await replay(path, { json: true });
    outcomes.push({ path, code, ...printed, ms: performance.now() - startMs });
  }
  write(JSON.stringify(outcomes));
`;

interface Outcome {
  readonly path: string;
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
}

async function replayAll(paths: readonly string[]): Promise<readonly Outcome[]> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', SCRIPT], { stdio: 'pipe' });
  child.stdin.end(JSON.stringify(paths));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  assert.equal(stderr, '');
  const outcomes: Outcome[] = JSON.parse(stdout);
  return outcomes;
}

/** Those of formats/ of which there is something to say. */
const MESSAGES: Readonly<Record<string, RegExp>> = {
  'ar-icmp-frame-relay.pcap': /^Cannot examine 10 of 10 packets of .*: no decoder for LINKTYPE_FRELAY \(107\)\n$/,
  'pp-microsecs_big_endian.pcap': /^Cannot examine 13 of 13 packets of .*: no decoder for LINKTYPE_NETLINK \(253\)\n$/,
  'pp-solaris.snoop': /^Cannot read .*: neither pcap nor pcapng at byte 0; it is a snoop capture \(RFC 1761\): .*\n$/,
};
const SANE_MS = 20_000;

describe('weir replay', () => {
  let outcomes: readonly Outcome[] = [];
  const of = (folder: string): readonly Outcome[] =>
    outcomes.filter(({ path }) => path.includes(`/captures/${folder}/`));

  before(async function () {
    this.timeout(240_000);
    outcomes = await replayAll(allCapturesOrPending(this));
  });

  it('ends of every capture with 0, or with 1 and the reason in one line', () => {
    assert(outcomes.length >= 260, `${outcomes.length} captures`);
    for (const { path, code, stderr } of outcomes) {
      assert(code === 0 || code === 1, `${path}: ${code}`);
      assert.match(stderr, code === 0 ? /^(?:Cannot examine .*\n)?$/ : /^Cannot .+\n$/, path);
    }
  });

  it('takes a sane time for every capture', () => {
    const slow = outcomes.filter(({ ms }) => ms > SANE_MS);
    assert.deepEqual(slow, []);
  });

  it('reads every format without an incident, and says plainly what it does not', () => {
    for (const { path, code, stdout, stderr } of of('formats')) {
      const message = MESSAGES[basename(path)];
      assert.deepEqual([stdout, code], ['', message === undefined ? 0 : 1], path);
      assert.match(stderr, message ?? /^$/);
    }
  });

  it('names nothing in broken packets but that they are broken', () => {
    for (const { path, stdout } of of('malformed')) {
      const lines = stdout.split('\n').slice(0, -1);
      for (const line of lines) assert.match(line, /"clause":"network\.spoofing"/, path);
    }
  });

  it('is silent on benign captures', () => {
    for (const { path, code, stdout, stderr } of of('benign'))
      assert.deepEqual([code, stdout, stderr], [0, '', ''], path);
  });
});
