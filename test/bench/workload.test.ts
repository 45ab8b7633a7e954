import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Meter } from '../../daemon/metering/meter.ts';
import { Tick } from '../../daemon/metering/tick.ts';
import { TABLES, Window } from '../../daemon/metering/window.ts';
import { TenantDirectory } from '../../daemon/tenants/directory.ts';
import { openPcap } from '../../probes/pcap/pcapProbe.ts';
import type { WorkloadName } from './workload/workload.ts';
import { pcapChunks, workloadFile } from './workload/workloadFile.ts';

const PACKETS = 10_000;

/**
 * Of the first 10,000 packets as a file. Those of IPv4 are the bytes that the generator in C made which the published
 * figures of other tools were measured with.
 */
const SHA_256: readonly (readonly [WorkloadName, string])[] = [
  ['mix', '4cbf10c9041af2dfe9a3a86ed86baeee42b3b5afb8c9ff975c710d3743c0decd'],
  ['flood', '7436f38ffd9353bae5eabe6626baa7e308af68f35f02e73aa271e0c6e70e61dc'],
  ['scan', '9525a0f849818d2ba75bca77c9396a7319942f32f2ed234aabf1664f466ad9ba'],
  ['udpFlood', '592662dcfeb3df7f0259b5300af3c207ce7dd370bbf04cec7c6c810bf7941353'],
  ['slowScan', 'a6aa581268487349776a16903ae15829b6eed7833a3a64ea75f3b90a8d3e9ac5'],
  ['portScan', '2722eefa5a785fd9bcf38ae86010583efd334132b43db25b280a2c54019147e6'],
  ['mix6', '34ff6d932b1f79246b7a5c558e52fdf216e4249fe3ab388a61f4360614d29f87'],
  ['flood6', '3abaacf65acac66f166af2cd3ea5bdf330c96de1075a4bb2f5f453895bf533f7'],
];

describe('pcapChunks', () => {
  for (const [name, hash256] of SHA_256) {
    it(`gives the same bytes of ${name} in every run`, () => {
      const hash = createHash('sha256');
      for (const chunk of pcapChunks(name, PACKETS)) hash.update(chunk);
      assert.equal(hash.digest('hex'), hash256);
    });
  }
});

describe('workloadFile', () => {
  const directory = mkdtempSync(join(tmpdir(), 'weir-workload-'));
  after(() => rmSync(directory, { recursive: true }));

  for (const [name] of SHA_256) {
    it(`makes a file of ${name} of which every frame can be decoded`, () => {
      const path = workloadFile(name, PACKETS, directory);
      assert.deepEqual(meterFile(path), { received: PACKETS, malformed: 0 });
    });
  }

  it('makes a file once', () => {
    const first = statSync(workloadFile('flood', PACKETS, directory));
    assert.equal(statSync(workloadFile('flood', PACKETS, directory)).ino, first.ino);
  });
});

/** Frames that were read, and those of them that something was wrong with. */
function meterFile(path: string): { received: number; malformed: number } {
  const probe = openPcap(path);
  const window = new Window({ tenants: 0, ...TABLES.internet });
  const sums = { received: 0, malformed: 0 };
  const tick = new Tick({
    meter: new Meter(new TenantDirectory([]), window),
    nextWindow: () => window,
    onWindow: () => {
      sums.received += window.received;
      sums.malformed += window.malformed.reduce((sum, count) => sum + count, 0);
    },
    dropped: () => null,
  });
  for (let block = probe.next(0); block !== null; block = probe.next(0)) tick.observe(block);
  tick.finish();
  probe.close();
  return sums;
}
