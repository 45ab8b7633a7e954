import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { ContainerNames } from '../../../probes/host/containerNames.ts';
import { parseDockerContainer, parsePodmanContainers } from '../../../probes/host/engines.ts';
import { asNobody } from './asNobody.ts';
import { HostTree } from './hostTree.ts';

const A = 'a'.repeat(64);
const B = 'b'.repeat(64);
const C = 'c'.repeat(64);

/** As docker 20.10 writes it, much shortened. */
const docker = (id: string, name: string): string =>
  JSON.stringify({ StreamConfig: {}, State: { Running: true, Pid: 29597 }, ID: id, Name: `/${name}`, Config: {} });
/** As podman 4.3 does. */
const podman = (...containers: readonly (readonly [id: string, name: string])[]): string =>
  JSON.stringify(containers.map(([id, name]) => ({ id, names: [name], image: B, metadata: '{}', flags: {} })));

describe('parseDockerContainer and parsePodmanContainers', () => {
  it('read what the engines write', () => {
    assert.deepEqual(parseDockerContainer(docker(A, 'acme')), [{ id: A, names: ['acme'] }]);
    assert.deepEqual(parsePodmanContainers(podman([A, 'acme'], [B, 'globex'])), [
      { id: A, names: ['acme'] },
      { id: B, names: ['globex'] },
    ]);
    assert.deepEqual(parsePodmanContainers(JSON.stringify([{ id: A }])), [{ id: A, names: [] }]);
  });

  it('give nothing for anything else', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), fc.constantFrom('[', '['.repeat(1e5), '{"ID":7}')), (text) => {
        assert.deepEqual([...parseDockerContainer(text), ...parsePodmanContainers(text)], []);
      }),
    );
    assert.deepEqual(parseDockerContainer(docker('../../etc', 'acme')), []);
  });
});

describe('ContainerNames', () => {
  let host: HostTree;
  beforeEach(() => {
    host = new HostTree(2);
  });
  afterEach(() => host.removeAll());

  const addDocker = (place: string, id: string, name: string): void =>
    host.write(`${place}/containers/${id}/config.v2.json`, docker(id, name));

  async function idsOf(name: string, home: string | null = null): Promise<readonly string[]> {
    const names = new ContainerNames(host.root, home);
    await names.read();
    return names.idsOf(name);
  }

  it('knows nothing where there is no engine', async () => assert.deepEqual(await idsOf('acme'), []));

  it("finds docker's and podman's", async () => {
    addDocker('var/lib/docker', A, 'acme');
    host.write('var/lib/containers/storage/overlay-containers/containers.json', podman([B, 'globex'], [C, 'acme']));
    assert.deepEqual([await idsOf('acme'), await idsOf('globex'), await idsOf('hooli')], [[A, C], [B], []]);
  });

  it('finds them where the configuration of an engine has put them', async () => {
    addDocker('var/lib/docker', A, 'acme');
    addDocker('srv/docker', B, 'acme');
    host.write('etc/docker/daemon.json', '{ "debug": true, "data-root" : "/srv/docker" }');
    host.write('etc/containers/storage.conf', '[storage]\n# graphroot = "/none"\ngraphroot = "/srv/podman"\n');
    host.write('srv/podman/vfs-containers/volatile-containers.json', podman([C, 'globex']));
    assert.deepEqual([await idsOf('acme'), await idsOf('globex')], [[B], [C]]);
  });

  it("finds a user's in the home, and keeps them apart from root's", async () => {
    addDocker('home/alice/.local/share/docker', A, 'acme');
    host.write('home/alice/.local/share/containers/storage/overlay-containers/containers.json', podman([B, 'globex']));
    assert.deepEqual([await idsOf('acme', '/home/alice'), await idsOf('globex', '/home/alice')], [[A], [B]]);
    assert.deepEqual([await idsOf('acme'), await idsOf('globex')], [[], []]);
  });

  it('sees at the next reading that a name is that of another container', async () => {
    addDocker('var/lib/docker', A, 'acme');
    const names = new ContainerNames(host.root, null);
    await names.read();
    addDocker('var/lib/docker', A, 'acme-old');
    addDocker('var/lib/docker', B, 'acme');
    await names.read();
    assert.deepEqual([names.idsOf('acme'), names.idsOf('acme-old')], [[B], [A]]);
  });

  it('is held up by nothing that lies there instead of a file, and reads no link', async () => {
    const containers = join(host.root, 'var/lib/docker/containers');
    const lies = ['fifo', 'link', 'directory', 'huge', 'cut'].map((_, i) => String(i).repeat(64));
    for (const id of lies) mkdirSync(join(containers, id), { recursive: true });
    const [fifo = '', link = '', directory = '', huge = '', cut = ''] = lies.map((id) =>
      join(containers, id, 'config.v2.json'),
    );
    assert.equal(spawnSync('mkfifo', [fifo]).status, 0);
    host.write('elsewhere', docker(A, 'acme'));
    symlinkSync(join(host.root, 'elsewhere'), link);
    mkdirSync(directory);
    writeFileSync(huge, docker(A, 'acme').padEnd(2 ** 23 + 1));
    writeFileSync(cut, docker(A, 'acme').slice(0, -1));
    addDocker('var/lib/docker', B, 'globex');
    assert.deepEqual([await idsOf('acme'), await idsOf('globex')], [[], [B]]);
  });

  it('says when it may not read', async () => {
    addDocker('var/lib/docker', A, 'acme');
    const names = new ContainerNames(host.root, null);
    chmodSync(join(host.root, 'var/lib/docker'), 0o700);
    chmodSync(host.root, 0o755);
    await asNobody(() => names.read());
    assert.deepEqual([names.isRefused, names.idsOf('acme')], [true, []]);
    await names.read();
    assert.deepEqual([names.isRefused, names.idsOf('acme')], [false, [A]]);
  });

  it("reads no more of a user's than its bounds", async () => {
    const place = 'home/alice/.local/share/docker';
    for (let i = 0; i < 12; i++) {
      const id = i.toString(16).padStart(64, '0');
      host.write(`${place}/containers/${id}/config.v2.json`, docker(id, `c${i}`).padEnd(2 ** 20));
    }
    const names = new ContainerNames(host.root, '/home/alice');
    await names.read();
    const known = Array.from({ length: 12 }, (_, i) => names.idsOf(`c${i}`).length);
    assert.equal(
      known.reduce((sum, count) => sum + count),
      8,
    );
  });
});
