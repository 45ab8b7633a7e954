import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, readdirSync, readFileSync, readlinkSync, writeSync } from 'node:fs';
import { FRAME_OUTGOING, LINKTYPE_ETHERNET, LINKTYPE_LINUX_SLL, LINKTYPE_RAW } from '../../../probes/probe.ts';
import { openRing } from '../../../probes/ring/ring.ts';
import { addNamespaces, inNamespace, ip, removeNamespaces } from '../../support/namespace.ts';
import { sendFrames } from '../../support/packetSender.ts';
import { blockOf, frame } from '../../support/frames.ts';
import { type CapturedFrame, readFrames } from '../../support/ringReader.ts';
import { openTun } from '../../support/tun.ts';
import { CapBed, SOURCE } from './capBed.ts';

const bed = new CapBed('wr-cap');
const V6 = { source: '2001:db8::1', destination: '2001:db8::2' };
const QUIET_MS = 150;

const seen = ({ bytes, wireLength }: CapturedFrame) => [wireLength, Buffer.from(bytes).toString('hex')];

describe('openCap', function () {
  this.timeout(20_000);
  before(() => {
    addNamespaces(bed.near, bed.far);
    bed.join();
    ip('-n', bed.near, 'address', 'add', `${SOURCE.destination}/24`, 'dev', 'near0');
    ip('-n', bed.near, 'neighbour', 'add', '198.51.100.2', 'lladdr', '02:00:00:00:00:07', 'dev', 'near0');
  });
  after(() => removeNamespaces(bed.near, bed.far));

  it('hands over what the ring does: the same bytes of each frame, cut alike, with its length on the wire, in order', () => {
    const sizes = [0, 30, 85, 86, 87, 128, 129, 600, 1400];
    const sent = sizes.flatMap((payload) => [
      frame({ ...SOURCE, payload }),
      frame({ ...SOURCE, payload, destinationPort: 5060 }),
      frame({ ...SOURCE, payload, sourcePort: 25, protocol: 'tcp' }),
      frame({ ...SOURCE, payload, sourcePort: 5060, fragment: 100 }),
      frame({ ...SOURCE, payload, destinationPort: 5061, options: new Uint8Array(40) }),
      frame({ ...V6, payload, protocol: 'udp', destinationPort: 5060 }),
      frame({ ...V6, payload, protocol: 'tcp', destinationPort: 443 }),
      frame({ ...SOURCE, payload, protocol: 'icmp' }),
    ]);
    const ring = inNamespace(bed.near, () => openRing({ interface: 'near0', blocks: 4 }));
    const received = bed.with({}, (probe) => {
      bed.send(sent);
      return readFrames(probe, QUIET_MS);
    });
    const asRing = readFrames(ring);
    ring.close();
    assert.equal(received.length, sent.length);
    assert.deepEqual(received.map(seen), asRing.map(seen));
  });

  it('stamps frames with the time of day at which they came', () => {
    bed.with({}, (probe) => {
      const before = Date.now();
      bed.send([frame(SOURCE)], 2000);
      const after = Date.now();
      const times = readFrames(probe, QUIET_MS).map(({ timeMs }) => timeMs);
      assert.equal(times.length, 2000);
      assert.deepEqual(
        times,
        times.toSorted((a, b) => a - b),
      );
      assert.ok((times[0] ?? 0) >= before - 3 && (times.at(-1) ?? Infinity) <= after + 1000, `${before} ${times[0]}`);
    });
  });

  it('keeps a VLAN tag in the frame', () => {
    bed.with({}, (probe) => {
      const tagged = frame({ ...SOURCE, vlans: [7], payload: 20 });
      bed.send([tagged]);
      const [received] = readFrames(probe, QUIET_MS);
      assert.deepEqual([received?.bytes, received?.wireLength], [tagged, tagged.length]);
    });
  });

  it('hands over what the filter lets through, alone', () => {
    bed.with({ filter: 'udp dst port 53 or vlan' }, (probe) => {
      const wanted = frame({ ...SOURCE, destinationPort: 53 });
      bed.send([frame(SOURCE), wanted, frame({ ...SOURCE, protocol: 'tcp', destinationPort: 53 })]);
      assert.deepEqual(
        readFrames(probe, QUIET_MS).map(({ bytes }) => bytes),
        [wanted],
      );
      const { received, isFiltered } = probe.statistics();
      assert.deepEqual([received, isFiltered], [1, true]);
    });
  });

  it('captures on lo, each packet once', () => {
    bed.with({ interface: 'lo' }, (probe) => {
      const sent = frame({ ...SOURCE, source: '127.0.0.1', destination: '127.0.0.1', payload: 9 });
      inNamespace(bed.near, () => sendFrames('lo', blockOf([{ bytes: sent }])));
      const block = probe.next(2000);
      assert.equal(block?.linkType, LINKTYPE_ETHERNET);
      assert.equal(block.count, 1);
      probe.release(block);
      assert.equal(probe.next(QUIET_MS), null);
    });
  });

  it('captures on any interface at once, in cooked frames that tell what is outgoing', () => {
    bed.with({ interface: 'any' }, (probe) => {
      bed.send([frame({ ...SOURCE, destinationPort: 53 })]);
      const hping = ['-q', '-2', '-c', '1', '-p', '53', '-a', SOURCE.destination, '198.51.100.2'];
      inNamespace(bed.near, () => spawnSync('hping3', hping));
      const frames: unknown[] = [];
      for (let block = probe.next(2000); block !== null; block = probe.next(QUIET_MS)) {
        assert.equal(block.linkType, LINKTYPE_LINUX_SLL);
        for (let i = 0; i < block.count; i++) {
          const start = block.offsets[i] ?? 0;
          const bytes = Buffer.from(block.bytes.slice(start, start + (block.capturedLengths[i] ?? 0)));
          // Packet type, and the IPv4 source behind 16 bytes of cooked header.
          frames.push([bytes.readUInt16BE(0), block.flags[i], [...bytes.subarray(28, 32)].join('.')]);
        }
        probe.release(block);
      }
      // The neighbour's frame is for another station.
      const [PACKET_OTHERHOST, PACKET_OUTGOING] = [3, 4];
      assert.deepEqual(frames, [
        [PACKET_OTHERHOST, 0, SOURCE.source],
        [PACKET_OUTGOING, FRAME_OUTGOING, SOURCE.destination],
      ]);
      assert.equal(probe.statistics().state, 'up');
    });
  });

  it('captures bare IP packets on a device without a layer 2', () => {
    const tun = openTun(bed.near, 'wrcaptun');
    const packet = frame({ ...SOURCE, payload: 300, destinationPort: 5060 }).subarray(14);
    bed.with({ interface: 'wrcaptun' }, (probe) => {
      writeSync(tun, packet);
      const block = probe.next(2000);
      assert.equal(block?.linkType, LINKTYPE_RAW);
      const start = block.offsets[0] ?? 0;
      assert.deepEqual(block.bytes.slice(start, start + (block.capturedLengths[0] ?? 0)), packet);
    });
    closeSync(tun);
  });

  it('gives, or counts as dropped, each packet of many times what the pipe holds', () => {
    const frames = Array.from({ length: 64 }, (_, i) => frame({ ...SOURCE, sourcePort: i, payload: 40 }));
    bed.with({ bufferBytes: 1 << 27 }, (probe) => {
      let received = 0;
      for (let round = 0; round < 100; round++) {
        bed.send(frames, 500);
        for (let block = probe.next(0); block !== null; block = probe.next(0)) {
          received += block.count;
          probe.release(block);
        }
      }
      received += readFrames(probe, QUIET_MS).length;
      const { dropped } = probe.statistics();
      assert.ok(dropped !== null);
      assert.equal(received + dropped, 50_000);
    });
  });

  it('drops and counts in the child what is not read in time, within bounded memory', () => {
    bed.with({}, (probe, child) => {
      const memory = (): number => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${child}/status`, 'utf8'))?.[1]);
      const frames = [frame({ ...SOURCE, destinationPort: 5060, payload: 1000 })];
      bed.send(frames, 20_000);
      const before = memory();
      for (let round = 0; round < 4; round++) bed.send(frames, 20_000);
      assert.ok(memory() < before + 32_768, `${before} kB, then ${memory()} kB`);
      const received = readFrames(probe, QUIET_MS).length;
      const { dropped } = probe.statistics();
      assert.ok(dropped !== null && dropped > 50_000, `${dropped} dropped`);
      assert.equal(received + dropped, 100_000);
      assert.equal(probe.statistics().state, 'up');
      bed.send();
      assert.equal(readFrames(probe, QUIET_MS).length, 1);
    });
  });

  it('runs its child as nobody, without capabilities, open files and variables of its parent', () => {
    bed.with({}, (probe, child) => {
      const of = (file: string): string => readFileSync(`/proc/${child}/${file}`, 'utf8');
      for (const task of readdirSync(`/proc/${child}/task`)) {
        const status = of(`task/${task}/status`);
        assert.match(status, /^Uid:\t65534\t65534\t65534\t65534$/m);
        assert.match(status, /^Gid:\t65534\t65534\t65534\t65534$/m);
        assert.match(status, /^Groups:\t *$/m);
        assert.match(status, /^CapPrm:\t0{16}$/m);
        assert.match(status, /^CapEff:\t0{16}$/m);
      }
      assert.match(of('status'), /^NoNewPrivs:\t1$/m);
      assert.equal(of('environ'), '');
      assert.equal(readlinkSync(`/proc/${child}/cwd`), '/');
      const files = readdirSync(`/proc/${child}/fd`).map((fd) => readlinkSync(`/proc/${child}/fd/${fd}`));
      const strange = files.filter((file) => !/^(?:pipe:|socket:|anon_inode:|\/dev\/null$)/.test(file));
      assert.deepEqual(strange, []);
      assert.equal(files.filter((file) => file.startsWith('socket:')).length, 1);
      assert.equal(probe.statistics().state, 'up');
    });
  });

  it('leaves no process and no file descriptor behind', () => {
    const before = readdirSync('/proc/self/fd').length;
    const child = bed.with({}, (_, pid) => pid);
    assert.throws(() => process.kill(child, 0), { code: 'ESRCH' });
    assert.equal(readdirSync('/proc/self/fd').length, before);
  });

  it('waits without spinning', () => {
    bed.with({}, (probe) => {
      const start = performance.now();
      const cpu = process.cpuUsage();
      assert.equal(probe.next(500), null);
      const { user, system } = process.cpuUsage(cpu);
      assert.ok(performance.now() - start >= 499);
      assert.ok(user + system < 60_000, `${user + system} µs`);
    });
  });

  it('refuses what a probe must not be asked', () => {
    const probe = bed.open();
    bed.send();
    const block = probe.next(2000);
    assert.ok(block !== null);
    assert.throws(() => probe.next(0), /the last block was not released/);
    assert.throws(() => probe.release({ ...block }), /not the last one read/);
    probe.close();
    probe.close();
    assert.throws(() => probe.next(0), /Cannot read from near0: it is closed/);
    assert.equal(probe.statistics().state, 'ended');
  });

  it('is known to ip(8) by its promiscuity', () => {
    bed.with({}, () => {
      const links: { promiscuity: number }[] = JSON.parse(ip('-n', bed.near, '-j', '-d', 'link', 'show', 'near0'));
      assert.equal(links[0]?.promiscuity, 1);
    });
  });
});
