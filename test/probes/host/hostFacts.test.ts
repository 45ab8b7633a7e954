import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { readHost, readMemory } from '../../../probes/host/hostFacts.ts';
import type { HostSample } from '../../../probes/sample.ts';

const MEMORY = { memoryTotalBytes: 16e9, memoryAvailableBytes: 8e9, swapUsedBytes: 0 };
const NO_PRESSURE = { cpuSomeSeconds: null, memorySomeSeconds: null, memoryFullSeconds: null };

const FILES: Readonly<Record<string, string>> = {
  stat: 'cpu  1000 200 300 90000 400 10 20 70 55 5\ncpu0 1 1 1 1 1 1 1 1 1 1\ncpu2 1 1 1 1 1 1 1 1 1 1\nintr 7\n',
  loadavg: '1.25 0.50 0.10 2/345 6789\n',
  'pressure/cpu': 'some avg10=0.00 avg60=0.00 avg300=0.00 total=3000000\n',
  'pressure/memory': 'some avg10=0 avg60=0 avg300=0 total=500000\nfull avg10=0 avg60=0 avg300=0 total=250000\n',
  'net/dev': 'Inter-|\n face |\nlo: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n',
};

/** Of a made-up /proc. */
function readFrom(files: Readonly<Record<string, string>>): HostSample {
  const root = mkdtempSync(join(tmpdir(), 'weir-proc-'));
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  }
  const host = readHost(root, MEMORY);
  rmSync(root, { recursive: true });
  return host;
}

describe('readHost', () => {
  it('reads what the kernel tells; guests are in user time already, waiting for a disk is no work', () => {
    const { interfaces, ...host } = readFrom(FILES);
    assert.deepEqual(host, {
      cores: 2,
      cpuBusySeconds: 16,
      load1: 1.25,
      ...MEMORY,
      pressure: { cpuSomeSeconds: 3, memorySomeSeconds: 0.5, memoryFullSeconds: 0.25 },
    });
    assert.deepEqual(
      interfaces.map(({ name }) => name),
      ['lo'],
    );
  });

  const unknown: readonly [string, Readonly<Record<string, string>>][] = [
    ['nothing is there', {}],
    ['files are empty', Object.fromEntries(Object.keys(FILES).map((file) => [file, '']))],
    ['files are of something else', Object.fromEntries(Object.keys(FILES).map((file) => [file, 'cpu x\n1,5 y\n']))],
  ];
  for (const [title, files] of unknown) {
    it(`knows nothing but the processors where ${title}`, () => {
      const { cores, interfaces, ...host } = readFrom(files);
      assert.deepEqual(host, { cpuBusySeconds: null, load1: null, ...MEMORY, pressure: NO_PRESSURE });
      assert.deepEqual([cores, interfaces], [availableParallelism(), []]);
    });
  }

  it("reads this machine's", () => {
    const host = readHost('/proc', MEMORY);
    assert.equal(host.cores, cpus().length);
    const uptimeSeconds = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
    assert(host.cpuBusySeconds !== null && host.cpuBusySeconds > 0);
    assert(host.cpuBusySeconds <= host.cores * (uptimeSeconds + 1));
    assert(host.interfaces.some(({ name }) => name === 'lo'));
  });
});

describe('readMemory', () => {
  it("reads this machine's", async () => {
    const { memoryTotalBytes, memoryAvailableBytes, swapUsedBytes } = await readMemory();
    assert.equal(memoryTotalBytes, totalmem());
    assert(memoryAvailableBytes !== null && memoryAvailableBytes > 0 && memoryAvailableBytes < totalmem());
    assert(swapUsedBytes !== null && swapUsedBytes >= 0);
  });
});
