import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { CgroupIndex, type IndexLimits } from '../../../probes/host/cgroupIndex.ts';
import { containerKey, unitKey } from '../../../probes/host/cgroupNames.ts';
import { HostTree } from './hostTree.ts';

const ID = 'd'.repeat(64);
const ALICE = 'user.slice/user-1001.slice/user@1001.service';
const BOB = 'user.slice/user-1002.slice/user@1002.service';
const AMPLE: IndexLimits = { cgroups: 100_000, ofUser: 500 };

describe('CgroupIndex', () => {
  let host: HostTree;
  beforeEach(() => {
    host = new HostTree(2);
  });
  afterEach(() => host.removeAll());

  async function searched(limits = AMPLE, taken: readonly string[] = [], roots = [host.cgroups]): Promise<CgroupIndex> {
    const index = new CgroupIndex(roots, limits);
    await index.search(0, new Set(taken));
    return index;
  }

  const addMany = (parent: string, count: number): void => {
    for (let i = 0; i < count; i++) mkdirSync(join(host.cgroups, `${parent}/c${i}`), { recursive: true });
  };

  it('finds what is in no usual place, of several the shallowest first', async () => {
    host.add('a.slice/a-b.slice/acme.service');
    host.add('z.slice/acme.service');
    const index = await searched();
    assert.deepEqual(index.pathsOf(unitKey('acme.service')), [
      'z.slice/acme.service',
      'a.slice/a-b.slice/acme.service',
    ]);
    assert.deepEqual(index.pathsOf(unitKey('globex.service')), []);
    assert(index.isWhole);
  });

  it('finds in every tree, and tells of each path once', async () => {
    const other = new HostTree(2);
    host.add('x.slice/acme.scope');
    other.add('x.slice/acme.scope');
    other.add('x.slice/globex.scope');
    const index = await searched(AMPLE, [], [host.cgroups, other.cgroups]);
    other.removeAll();
    assert.deepEqual(index.pathsOf(unitKey('acme.scope')), ['x.slice/acme.scope']);
    assert.deepEqual(index.pathsOf(unitKey('globex.scope')), ['x.slice/globex.scope']);
  });

  it('takes no word of what a tenant can make: inside of containers, services, and what is taken', async () => {
    for (const own of ['docker/' + 'e'.repeat(64), 'system.slice/acme.service/sub', 'lxc.payload.acme', 'tenants/acme'])
      host.add(`${own}/docker-${ID}.scope`);
    const index = await searched(AMPLE, ['tenants/acme']);
    assert.deepEqual(index.pathsOf(containerKey(null, ID)), []);
    assert.equal((await searched()).pathsOf(containerKey(null, ID)).length, 1);
  });

  it('follows no symbolic link', async () => {
    host.write('elsewhere/acme.scope/cgroup.procs', '');
    symlinkSync(join(host.root, 'elsewhere'), join(host.cgroups, 'x.slice'));
    assert.deepEqual((await searched()).pathsOf(unitKey('acme.scope')), []);
  });

  it('comes to an end at its bounds and says so, and has found what lies above', async () => {
    host.add('a.slice/b.slice/c.slice/deep.scope');
    host.add('a.slice/shallow.scope');
    addMany('a.slice/b.slice', 100);
    const index = await searched({ ...AMPLE, cgroups: 50 });
    assert(!index.isWhole);
    assert.equal(index.pathsOf(unitKey('shallow.scope')).length, 1);
    assert.equal(index.pathsOf(unitKey('deep.scope')).length, 0);
    assert((await searched()).isWhole);
  });

  it("lets no user's cgroups hide those of another", async () => {
    addMany(`${ALICE}/app.slice`, 60);
    addMany(`${ALICE}/app.slice/c1`, 60);
    host.add(`${BOB}/user.slice/user-libpod_pod_1.slice/libpod-${ID}.scope`);
    const index = await searched({ cgroups: 150, ofUser: 20 });
    assert.equal(index.pathsOf(containerKey('1002', ID)).length, 1);
    assert(!index.isWhole);
  });

  it('goes no deeper than anything lies, however deep they are', async () => {
    host.add(`${'a.slice/'.repeat(7)}near.scope`);
    host.add(`${'a.slice/'.repeat(200)}far.scope`);
    const index = await searched();
    assert.equal(index.pathsOf(unitKey('near.scope')).length, 1);
    assert.equal(index.pathsOf(unitKey('far.scope')).length, 0);
  });

  it('survives names of any kind, and trees that are not there', async () => {
    for (const name of ['two\nlines', ' ', 'ünï', '\u{1f40d}', '*', 'a'.repeat(255)]) host.add(`x.slice/${name}`);
    host.add('x.slice/acme.scope');
    const index = await searched(AMPLE, [], [join(host.root, 'nowhere'), host.cgroups]);
    assert.equal(index.pathsOf(unitKey('acme.scope')).length, 1);
  });

  it('lets others have their turn', async () => {
    addMany('a.slice', 1000);
    let turns = 0;
    const count = (): void => {
      turns += 1;
      immediate = setImmediate(count);
    };
    let immediate = setImmediate(count);
    await searched();
    clearImmediate(immediate);
    assert(turns >= 10, `${turns} turns`);
  });

  it('is due once a minute, whichever way the clock is set', async () => {
    const index = new CgroupIndex([host.cgroups]);
    const dues = [index.isDue(5000)];
    await index.search(5000, new Set());
    dues.push(...[5001, 64_999, 65_000, -55_001].map((nowMs) => index.isDue(nowMs)));
    assert.deepEqual(dues, [true, false, false, true, true]);
  });
});
