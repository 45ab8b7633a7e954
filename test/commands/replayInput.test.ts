import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { pcapOf, withFolder, writeIn } from '../support/pcapFile.ts';
import { floodInside, replay, WEIR_MAIN } from '../support/replay.ts';

const CLEAR = '\r\u001b[K';
const onTerminal = (command: string): string =>
  spawnSync('script', ['-qec', command, '/dev/null'], { encoding: 'utf8' }).stdout;
const weir = `${process.execPath} ${WEIR_MAIN} replay --json`;

describe('weir replay', () => {
  it('says once which link type it cannot examine, and exits with 1 when that was all', () =>
    withFolder((folder) => {
      const capture = pcapOf(floodInside());
      capture.writeUInt32LE(107, 20);
      const { code, incidents, stderr } = replay([writeIn(folder, 'flood.pcap', capture)]);
      assert.deepEqual([code, incidents], [1, []]);
      assert.match(
        stderr,
        /^Cannot examine 8000 of 8000 packets of .*flood\.pcap: no decoder for LINKTYPE_FRELAY \(107\)\n$/,
      );
    }));

  it('has nothing to say of a capture without packets, of whatever link type', () =>
    withFolder((folder) => {
      const capture = pcapOf([]);
      capture.writeUInt32LE(107, 20);
      assert.deepEqual(replay([writeIn(folder, 'empty.pcap', capture)]), { code: 0, incidents: [], stderr: '' });
    }));

  it('examines what it can of a file of several link types, and exits with 0', () =>
    withFolder((folder) => {
      const [ethernet, frelay] = [join(folder, 'a.pcap'), join(folder, 'b.pcap')];
      const capture = pcapOf(floodInside());
      writeIn(folder, 'a.pcap', capture);
      capture.writeUInt32LE(107, 20);
      writeIn(folder, 'b.pcap', capture.subarray(0, 24 + 70 * 5));
      const merged = join(folder, 'merged.pcapng');
      const { status } = spawnSync('mergecap', ['-F', 'pcapng', '-w', merged, ethernet, frelay]);
      assert.equal(status, 0);
      const { code, incidents, stderr } = replay([merged]);
      assert.deepEqual([code, incidents.length], [0, 1]);
      assert.match(stderr, /^Cannot examine 5 of 8005 packets of .*: no decoder for LINKTYPE_FRELAY \(107\)\n$/);
    }));

  it('says both in one line: where the file breaks off, and what it could not examine', () =>
    withFolder((folder) => {
      const capture = pcapOf(floodInside().slice(0, 10));
      capture.writeUInt32LE(107, 20);
      const { code, stderr } = replay([writeIn(folder, 'cut.pcap', capture.subarray(0, -1))]);
      assert.equal(code, 1);
      assert.match(stderr, /^Cannot read .*: record truncated at byte 654\. Cannot examine 9 of 9 packets of .*\n$/);
    }));

  it('reads what tcpdump writes into a pipe, packed too', () =>
    withFolder((folder) => {
      const path = writeIn(folder, 'flood.pcap', pcapOf(floodInside()));
      const expected = replay([path]);
      assert.equal(expected.incidents.length, 1);
      for (const writer of ['tcpdump -r "$1" -w -', 'tcpdump -r "$1" -w - | gzip', 'gzip <"$1" | zcat']) {
        const words = ['-c', `${writer} | ${process.execPath} ${WEIR_MAIN} replay --json -`, 'bash', path];
        const { status, stdout } = spawnSync('bash', words, { encoding: 'utf8' });
        assert.equal(status, 0, writer);
        assert.deepEqual(JSON.parse(stdout), expected.incidents[0], writer);
      }
    }));
});

describe('weir replay on a terminal', () => {
  it('shows how far it is, and leaves nothing of that', () =>
    withFolder((folder) => {
      const path = writeIn(folder, 'flood.pcap', pcapOf(floodInside()));
      const [, first = '', ...rest] = onTerminal(`${weir} ${path}`).split(CLEAR);
      assert.match(first, /^ +\d+ % \[#*\.*\] [\d.]+ k packets, [\d.]+ [kM]?B\/s$/);
      assert.match(rest.at(-1) ?? '', /^\{"id":.*\}\r\n$/);
    }));

  it('shows of a pipe what can be known', () =>
    withFolder((folder) => {
      const path = writeIn(folder, 'flood.pcap', pcapOf(floodInside()));
      const [, first = '', ...rest] = onTerminal(`cat ${path} | ${weir} -`).split(CLEAR);
      assert.match(first, /^[\d.]+ k? ?packets, [\d.]+ [kM]?B\/s$/);
      assert.match(rest.at(-1) ?? '', /^\{"id":.*\}\r\n$/);
    }));

  it('shows nothing where standard error is none', () =>
    withFolder((folder) => {
      const path = writeIn(folder, 'flood.pcap', pcapOf(floodInside()));
      assert.match(onTerminal(`${weir} ${path} 2>/dev/null`), /^\{"id":.*\}\r\n$/);
    }));
});
