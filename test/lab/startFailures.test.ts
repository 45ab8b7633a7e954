import assert from 'node:assert/strict';
import { join } from 'node:path';
import { labConfiguration } from './configuration.ts';
import { Lab } from './lab.ts';
import { spawnDaemon } from './labDaemon.ts';

interface Failure {
  readonly title: string;
  readonly yaml: string;
  /** Where an Alertmanager listens meanwhile. */
  readonly taken?: number;
  /** A command that takes something away from the daemon that it runs. */
  readonly prefix?: readonly string[];
  /** The whole of what the operator reads. */
  readonly says: RegExp;
}

/** Only the daemon sees that the folder is empty: `ip netns exec` gives it mounts of its own. */
const hiding = (folder: string): readonly string[] => ['sh', '-c', `mount -t tmpfs none ${folder} && exec "$@"`, 'sh'];

const FAILURES: readonly Failure[] = [
  {
    title: 'it may not capture',
    yaml: labConfiguration(),
    prefix: ['setpriv', '--bounding-set=-net_raw'],
    says: /^Cannot .*CAP_NET_RAW.*\n$/,
  },
  {
    title: '`cap` is to capture, and is not built',
    yaml: labConfiguration({ sections: { interfaces: [{ name: 'eth0', capture: 'cap' }] } }),
    prefix: hiding(join(import.meta.dirname, '../../node_modules/cap/build')),
    says: /^Cannot capture on eth0 through cap: it cannot be loaded: .*apt-get install g\+\+ make python3 libpcap-dev, then sh systemd\/setup\.sh cap.*\n$/,
  },
  {
    title: 'there is no such interface',
    yaml: labConfiguration({ sections: { interfaces: [{ name: 'nosuch0' }] } }),
    says: /^Cannot .*nosuch0.*\n$/,
  },
  {
    title: 'its port is taken',
    yaml: labConfiguration(),
    taken: 9737,
    says: /^Cannot .*127\.0\.0\.1:9737.*\n$/,
  },
  {
    title: 'tc is missing, and it is to enforce',
    yaml: labConfiguration({ sections: { enforcement: { mode: 'enforce' } } }),
    prefix: hiding('/usr/sbin'),
    says: /^Cannot .*\btc\b.*iproute2.*\n$/,
  },
  {
    title: 'it may not change the kernel, and is to enforce',
    yaml: labConfiguration({ sections: { enforcement: { mode: 'enforce' } } }),
    prefix: ['setpriv', '--bounding-set=-net_admin'],
    says: /^Cannot run ip link add .*not permitted \(it needs root, or CAP_NET_ADMIN\)\n$/,
  },
  {
    title: 'its configuration is wrong',
    yaml: labConfiguration({ sections: { enforcement: { mode: 'enforec' } } }),
    says: /weir\.yaml:\d+:\d+ enforcement\.mode: .*\n$/,
  },
];

describe('weir run', function () {
  this.timeout(30_000);
  let lab: Lab;
  before(() => {
    lab = new Lab();
  });
  after(() => lab.stop());

  for (const { title, yaml, taken, prefix, says } of FAILURES) {
    it(`says in one line why it cannot start, and changes nothing, when ${title}`, async () => {
      if (taken !== undefined) await lab.agent('pbx').ask('startAlertmanager', taken);
      const before = await lab.snapshot();
      const daemon = spawnDaemon(lab, yaml, prefix);
      const { code } = await daemon.ended;
      await lab.agent('pbx').ask('stopAlertmanager');
      assert.match(daemon.stderr, says);
      assert.deepEqual({ code, stdout: daemon.stdout }, { code: 1, stdout: '' });
      assert.deepEqual(await lab.snapshot(), before);
    });
  }
});
