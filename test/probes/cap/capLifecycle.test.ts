import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { FRAME_HEADER_BYTES } from '../../../probes/cap/batch.ts';
import { loadLibc } from '../../../probes/libc.ts';
import { addNamespaces, enterNamespace, inNamespace, ip, removeNamespaces } from '../../support/namespace.ts';
import { readFrames, waitForState } from '../../support/ringReader.ts';
import { CapBed, children, isRunning } from './capBed.ts';

const bed = new CapBed('wr-caplife');
const PROBES = join(import.meta.dirname, '../../../probes');
const QUIET_MS = 150;
const link = (...words: string[]): string => ip('-n', bed.near, 'link', ...words);

/** Bytes that the process has written since it began. */
const written = (pid: number): number =>
  Number(/^wchar: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1] ?? 0);

/** What `look` gives once it gives something, at most ten seconds later. */
function until<T>(look: () => T): NonNullable<T> {
  const endMs = performance.now() + 10_000;
  for (;;) {
    const found = look();
    if (found) return found;
    assert.ok(performance.now() < endMs);
    loadLibc().poll(null, 0, 10);
  }
}

describe('openCap, over what takes its child along', function () {
  this.timeout(30_000);
  let leave: () => void;
  before(() => addNamespaces(bed.near, bed.far));
  after(() => removeNamespaces(bed.near, bed.far));
  beforeEach(() => {
    bed.join();
    leave = enterNamespace(bed.near);
  });
  afterEach(() => {
    leave();
    ip('-n', bed.far, 'link', 'delete', 'far0');
  });

  it('starts a child that was killed again, counts it, says why, and knows no loss meanwhile', () => {
    bed.with({}, (probe, child) => {
      bed.send(undefined, 3);
      assert.equal(readFrames(probe, QUIET_MS).length, 3);
      process.kill(child, 'SIGKILL');
      assert.equal(probe.next(5000), null);
      assert.deepEqual(probe.statistics(), {
        received: 3,
        dropped: null,
        state: 'restarting',
        reattached: 0,
        restarts: 1,
        lastFailure: 'SIGKILL',
      });
      const start = performance.now();
      waitForState(probe, 'up');
      assert.ok(performance.now() - start < 2000);
      bed.send(undefined, 4);
      assert.equal(readFrames(probe, QUIET_MS).length, 4);
      const { received, dropped, restarts } = probe.statistics();
      assert.deepEqual({ received, dropped, restarts }, { received: 7, dropped: 0, restarts: 1 });
    });
  });

  it('waits longer before each start of a child that dies again and again', () => {
    bed.with({}, (probe) => {
      const waits = [1, 2, 3].map(() => {
        process.kill(children().at(-1) ?? 0, 'SIGKILL');
        const start = performance.now();
        waitForState(probe, 'restarting');
        waitForState(probe, 'up');
        return performance.now() - start;
      });
      assert.ok((waits[1] ?? 0) > 500 && (waits[2] ?? 0) > 1000, waits.join(' '));
      assert.equal(probe.statistics().restarts, 3);
    });
  });

  it('says at once that the interface went down, and goes on after', () => {
    bed.with({}, (probe) => {
      for (let times = 1; times <= 2; times++) {
        bed.send(undefined, 10);
        assert.equal(readFrames(probe, QUIET_MS).length, 10);
        const downMs = performance.now();
        link('set', 'near0', 'down');
        assert.equal(probe.next(5000), null);
        assert.ok(performance.now() - downMs < 1000);
        assert.equal(probe.statistics().state, 'down');
        assert.equal(probe.next(300), null);
        assert.match(probe.statistics().lastFailure ?? '', /^SIGABRT: .*Assertion `status == 0' failed/);
        const upMs = performance.now();
        link('set', 'near0', 'up');
        waitForState(probe, 'up');
        assert.ok(performance.now() - upMs < 2000);
      }
      bed.send(undefined, 7);
      assert.equal(readFrames(probe, QUIET_MS).length, 7);
      const { received, dropped, restarts, reattached } = probe.statistics();
      assert.deepEqual(
        { received, dropped, restarts, reattached },
        { received: 27, dropped: 0, restarts: 2, reattached: 0 },
      );
    });
  });

  it('attaches to the new interface of a name that was deleted, within two seconds', () => {
    bed.with({}, (probe) => {
      for (let times = 1; times <= 2; times++) {
        link('delete', 'near0');
        assert.equal(probe.next(5000), null);
        assert.equal(probe.statistics().state, 'absent');
        bed.join();
        const start = performance.now();
        waitForState(probe, 'up');
        assert.ok(performance.now() - start < 2000);
        bed.send(undefined, 5);
        assert.equal(readFrames(probe, QUIET_MS).length, 5);
        const { received, restarts, reattached } = probe.statistics();
        assert.deepEqual(
          { received, restarts, reattached },
          { received: 5 * times, restarts: times, reattached: times },
        );
      }
    });
  });

  it('takes the interface that got the name while the old one lives on', () => {
    bed.with({}, (probe, child) => {
      link('set', 'near0', 'name', 'old0');
      waitForState(probe, 'absent');
      ip('-n', bed.near, 'link', 'add', 'near0', 'up', 'type', 'veth', 'peer', 'name', 'far1', 'netns', bed.far);
      ip('-n', bed.far, 'link', 'set', 'far1', 'up');
      waitForState(probe, 'up');
      assert.ok(!isRunning(child));
      const { restarts, reattached, lastFailure } = probe.statistics();
      assert.deepEqual([restarts, reattached, lastFailure], [1, 1, 'its interface was made anew']);
      link('delete', 'near0');
    });
  });

  it('does so however busy the old one is', () => {
    bed.with({}, (probe) => {
      link('set', 'near0', 'name', 'old0');
      ip('-n', bed.near, 'link', 'add', 'near0', 'up', 'type', 'veth', 'peer', 'name', 'far1', 'netns', bed.far);
      ip('-n', bed.far, 'link', 'set', 'far1', 'up');
      const untilMs = performance.now() + 5000;
      while (probe.statistics().restarts === 0) {
        assert.ok(performance.now() < untilMs);
        bed.send(undefined, 3);
        const block = probe.next(200);
        if (block !== null) probe.release(block);
      }
      waitForState(probe, 'up');
      assert.deepEqual(
        [probe.statistics().reattached, probe.statistics().lastFailure],
        [1, 'its interface was made anew'],
      );
      link('delete', 'near0');
    });
  });

  it('is down without a carrier, and keeps its child', () => {
    bed.with({}, (probe, child) => {
      ip('-n', bed.far, 'link', 'set', 'far0', 'down');
      waitForState(probe, 'down');
      ip('-n', bed.far, 'link', 'set', 'far0', 'up');
      waitForState(probe, 'up');
      assert.ok(isRunning(child));
      assert.equal(probe.statistics().restarts, 0);
    });
  });

  it('opens on an interface that is down, and waits for one that is not there', () => {
    link('set', 'near0', 'down');
    bed.with({}, (probe) => {
      assert.equal(probe.statistics().state, 'down');
      link('set', 'near0', 'up');
      waitForState(probe, 'up');
    });
    link('delete', 'near0');
    bed.with({ waitForInterface: true }, (probe) => {
      const { state, dropped } = probe.statistics();
      assert.deepEqual({ state, dropped }, { state: 'absent', dropped: 0 });
      bed.join();
      waitForState(probe, 'up');
      assert.equal(probe.statistics().reattached, 0);
    });
  });

  it('ends a child that hangs', () => {
    bed.with({}, (probe, child) => {
      process.kill(child, 'SIGSTOP');
      assert.equal(probe.next(10_000), null);
      assert.ok(!isRunning(child));
      assert.equal(probe.statistics().lastFailure, 'it said nothing for 5 s');
      waitForState(probe, 'up');
    });
  });

  it('keeps the frames that come while it still waits for its child to begin', async () => {
    const script = `
      import { openCap } from ${JSON.stringify(join(PROBES, 'cap/cap.ts'))};
      const probe = openCap({ interface: 'near0', bufferBytes: 1 << 24 });
      let frames = 0;
      for (let times = 0; frames < 100 && times < 20; times++) {
        const block = probe.next(500);
        if (block === null) continue;
        frames += block.count;
        probe.release(block);
      }
      console.log(frames);
      probe.close();`;
    const parent = inNamespace(bed.near, () =>
      spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: ['ignore', 'pipe', 'pipe'] }),
    );
    const [said, complaint] = [text(parent.stdout), text(parent.stderr)];
    try {
      const child = until(() => children(parent.pid)[0]);
      parent.kill('SIGSTOP');
      // It gives up its rights once its socket is open, and tells that it begins.
      until(() => /^Uid:\s+65534/m.test(readFileSync(`/proc/${child}/status`, 'utf8')));
      const before = written(child);
      bed.send(undefined, 100);
      until(() => written(child) > before + 100 * FRAME_HEADER_BYTES);
      parent.kill('SIGCONT');
      assert.equal(await complaint, '');
    } finally {
      parent.kill('SIGKILL');
    }
    assert.equal(await said, '100\n');
  });

  it('takes its child along when its process is killed', async () => {
    const script = `
      import { openCap } from ${JSON.stringify(join(PROBES, 'cap/cap.ts'))};
      const probe = openCap({ interface: 'near0', bufferBytes: 1 << 20 });
      console.log('open');
      for (;;) probe.next(1000);`;
    const parent = inNamespace(bed.near, () =>
      spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: ['ignore', 'pipe', 'inherit'] }),
    );
    await once(createInterface(parent.stdout), 'line');
    const [child = 0] = children(parent.pid);
    assert.ok(isRunning(child));
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    const untilMs = performance.now() + 5000;
    while (isRunning(child) && performance.now() < untilMs) loadLibc().poll(null, 0, 10);
    assert.ok(!isRunning(child));
  });
});
