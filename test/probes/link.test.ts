import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Link, readLink } from '../../probes/link.ts';
import { addNamespaces, ip, joinByVeth, removeNamespaces } from '../support/namespace.ts';

const NEAR = 'wr-slf-link';
const FAR = 'wr-slf-link2';
const MODULE = new URL('../../probes/link.ts', import.meta.url).pathname;

/** In a process of the namespace: ip(8) mounts its /sys there. */
const linkOf = (name: string): Link => {
  const script = `console.log(JSON.stringify(await (await import('${MODULE}')).readLink('${name}')))`;
  const words = ['netns', 'exec', NEAR, process.execPath, '--input-type=module', '--eval', script];
  const link: Link = JSON.parse(execFileSync('ip', words, { encoding: 'utf8' }));
  return link;
};

const UNKNOWN: Link = { speedBps: null, isFullDuplex: null, mtuBytes: null, isPromiscuous: null };

describe('readLink', () => {
  describe('in a namespace', () => {
    before(() => {
      addNamespaces(NEAR, FAR);
      joinByVeth([NEAR, 'near0'], [FAR, 'far0']);
    });
    after(() => removeNamespaces(NEAR, FAR));

    it('does not believe the 10 Gbit/s of a veth', () => {
      assert.deepEqual(linkOf('near0'), { ...UNKNOWN, mtuBytes: 1500, isPromiscuous: false });
    });

    it('sees the MTU and promiscuous mode', () => {
      ip('-n', NEAR, 'link', 'set', 'near0', 'mtu', '9000', 'promisc', 'on');
      assert.deepEqual(linkOf('near0'), { ...UNKNOWN, mtuBytes: 9000, isPromiscuous: true });
    });

    it('knows nothing of an interface that is not there', () => assert.deepEqual(linkOf('near9'), UNKNOWN));
  });

  describe('of files as a card has them', () => {
    let folder: string;
    const given = (files: Record<string, string>, folders: readonly string[]): Promise<Link> => {
      for (const each of folders) mkdirSync(join(folder, 'eth0', each), { recursive: true });
      for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, 'eth0', name), `${text}\n`);
      return readLink('eth0', folder);
    };
    beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'weir-link-'))));
    afterEach(() => rmSync(folder, { recursive: true }));

    const UP = { speed: '25000', duplex: 'full', mtu: '1500', flags: '0x1003' };
    for (const [title, files, folders, speedBps, isFullDuplex] of [
      ['a card', UP, ['device'], 25e9, true],
      ['half duplex', { ...UP, speed: '10', duplex: 'half' }, ['device'], 1e7, false],
      ['no carrier', { ...UP, speed: '-1', duplex: 'unknown' }, ['device'], null, null],
      ['a bond, or a VLAN of a card', UP, ['lower_eth1'], 25e9, true],
      ['a bridge', UP, ['bridge', 'lower_eth1'], null, null],
    ] as const) {
      it(`reads ${title}`, async () => {
        const link = await given(files, folders);
        assert.deepEqual(link, { speedBps, isFullDuplex, mtuBytes: 1500, isPromiscuous: false });
      });
    }
  });
});
