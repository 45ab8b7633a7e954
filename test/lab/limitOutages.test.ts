import assert from 'node:assert/strict';
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inTurn } from '../bench/inTurn.ts';
import { labConfiguration } from './configuration.ts';
import { Lab } from './lab.ts';
import { LabDaemon, runWeir, spawnDaemon } from './labDaemon.ts';

const NOTICED_WITHIN_MS = 20_000;
/** Of a store that was full: it is tried again less and less often. */
const WRITTEN_WITHIN_MS = 40_000;
const DISK_BYTES = 2 ** 21;

/** Limits by hand alone. */
const ENFORCING = { enforcement: { mode: 'enforce' } };

describe('limits, when something goes wrong around the daemon', function () {
  this.timeout(90_000);
  let lab: Lab;
  let daemon: LabDaemon;
  let untouched: Readonly<Record<string, unknown>>;

  before(async () => {
    lab = new Lab();
    untouched = await lab.snapshot();
  });
  afterEach(async () => {
    await daemon.process.stop('SIGKILL');
    await runWeir(lab, ['cleanup']);
    assert.deepEqual(await lab.snapshot(), untouched);
  });
  after(() => lab.stop());

  const weir = (...args: string[]) => runWeir(lab, args);
  const limitOf = async (tenant: string) => (await daemon.status()).limits.find((each) => each.tenant === tenant);
  const classes = (): Promise<string> => lab.run('pbx', 'tc', 'class', 'show', 'dev', 'weir-out');
  const limitAcme = async (): Promise<void> => {
    const { code, output } = await weir('limit', 'acme', '5mbit', '--for', '15m', '--reason', 'too loud');
    assert.deepEqual([code, /in force: too loud/.test(output)], [0, true], output);
  };

  it('a second daemon refuses to start, and changes nothing: at its port, its socket, and in the kernel', async () => {
    daemon = await LabDaemon.start(lab, labConfiguration({ sections: ENFORCING }));
    await limitAcme();
    const limited = await lab.snapshot();
    const elsewhere = { listen: '127.0.0.1:9738' };
    const socket = join(lab.directory, 'other.sock');
    const refusals: [object, RegExp][] = [
      [{}, /^Cannot listen on 127\.0\.0\.1:9737: the port is taken.*\n$/],
      [elsewhere, /^Cannot listen on .*weir\.sock: another daemon answers there .*\n$/],
      [{ ...elsewhere, socket }, /^Cannot limit here: another daemon does \(process \d+\)\n$/],
    ];
    await inTurn(refusals, async ([status, says]) => {
      const second = spawnDaemon(lab, labConfiguration({ sections: { ...ENFORCING, status } }));
      assert.deepEqual((await second.ended).code, 1);
      assert.match(second.stderr, says);
    });
    assert.match(refusedBy(await weir('cleanup')), /^Cannot clean up while a daemon runs: another daemon does/);
    assert.deepEqual(await lab.snapshot(), limited);
    assert.equal((await limitOf('acme'))?.state, 'inForce');
  });

  it('is killed under a limit and started again: the limit stands meanwhile, and goes on with its end and its reason', async () => {
    const path = join(lab.directory, 'state', 'weir.db');
    const configuration = labConfiguration({ sections: { ...ENFORCING, store: { path } } });
    daemon = await LabDaemon.start(lab, configuration);
    await limitAcme();
    await daemon.until('its writing', NOTICED_WITHIN_MS, ({ store }) => store?.waiting === 0);
    const before = await limitOf('acme');
    const limited = await lab.snapshot();
    await daemon.process.stop('SIGKILL');
    assert.deepEqual(await lab.snapshot(), limited);
    daemon = await LabDaemon.start(lab, configuration);
    assert.deepEqual(await lab.snapshot(), limited, 'nothing was made anew');
    const after = await limitOf('acme');
    /** All but what it counts. */
    const told = ({ state, rateBps, since, until: end, reason, by }: NonNullable<typeof after>) => ({
      state,
      rateBps,
      since,
      end,
      reason,
      by,
    });
    assert(before && after);
    assert.deepEqual(told(after), told(before));
    assert.deepEqual([after.state, after.reason, after.by], ['inForce', 'too loud (set by root)', 'root']);
  });

  it('sets and lifts limits while the disk of its store is full, and writes them down when there is room', async () => {
    const folder = join(lab.directory, 'full');
    mkdirSync(folder);
    const sections = { ...ENFORCING, store: { path: join(folder, 'weir.db') } };
    const mount = `mount -t tmpfs -o size=${DISK_BYTES} none ${folder} && exec "$@"`;
    daemon = await LabDaemon.start(lab, labConfiguration({ sections }), { prefix: ['sh', '-c', mount, 'sh'] });
    await daemon.until('the file', NOTICED_WITHIN_MS, ({ store }) => store?.state === 'ok' && store.waiting === 0);
    // Its own disk is seen through its process.
    const disk = `/proc/${daemon.process.pid}/root${folder}`;
    const filler = join(disk, 'filler');
    fill(disk, filler);
    await limitAcme();
    await daemon.until('a failing store', NOTICED_WITHIN_MS, ({ store }) => store?.state === 'failing');
    assert.match((await daemon.status()).store?.lastError ?? '', /full/);
    assert.match(await classes(), /ceil 5Mbit/);
    assert.equal((await weir('release', 'acme')).code, 0);
    assert.deepEqual(await lab.snapshot(), untouched);
    await limitAcme();
    rmSync(filler);
    await daemon.until(
      'all is written',
      WRITTEN_WITHIN_MS,
      ({ store }) => store?.state === 'ok' && store.waiting === 0 && store.dropped === 0,
    );
    assert.equal((await limitOf('acme'))?.state, 'inForce');
  });

  it('weir cleanup takes away what a killed daemon left, says so, and finds nothing the second time', async () => {
    daemon = await LabDaemon.start(lab, labConfiguration({ sections: ENFORCING }));
    await limitAcme();
    await daemon.process.stop('SIGKILL');
    assert.notDeepEqual(await lab.snapshot(), untouched);
    const first = await weir('cleanup');
    assert.deepEqual([first.code, first.output], [0, "Removed Weir's queues and filters\n"]);
    assert.deepEqual(await lab.snapshot(), untouched);
    const second = await weir('cleanup');
    assert.deepEqual([second.code, second.output], [0, 'There is nothing of Weir in the kernel\n']);
  });
});

const refusedBy = ({ code, output }: { code: number | null; output: string }): string => (code === 1 ? output : '');

/** Leaves no room on a disk of the daemon's. */
function fill(disk: string, filler: string): void {
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(filler, Buffer.alloc(bavail * bsize));
}
