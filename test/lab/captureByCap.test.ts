import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { InterfaceStatus, StatusSnapshot } from '../../daemon/status/snapshot.ts';
import { children, isRunning } from '../probes/cap/capBed.ts';
import { synFlood } from './attacks.ts';
import { labConfiguration } from './configuration.ts';
import { Lab } from './lab.ts';
import { LabDaemon } from './labDaemon.ts';
import type { LabProcess } from './labProcess.ts';
import { TENANTS } from './topology.ts';
import { until } from './until.ts';

const PORT = 'veth-cedar';
const NOTICED_WITHIN_MS = 10_000;
/** Once whatever took the child along is over: the longest wait before a start is 10 s. */
const BACK_WITHIN_MS = 15_000;
const NAMED_WITHIN_MS = 10_000;
/** Three samples of the kernel's counters, and the windows that they are compared with. */
const UNSEEN_WITHIN_MS = 10_000;
const packetsPerSecond = 1500;

const sections = {
  interfaces: [
    { name: 'eth0', faces: 'internet', capture: 'cap' },
    { name: PORT, faces: 'tenant', tenant: 'cedar', capture: 'cap' },
  ],
  detectors: { synFlood: { packetsPerSecond: 500 } },
  host: { every: '1s' },
};

/** By what it shows in the status that something is wrong. */
type Sign = 'down' | 'absent' | 'restart' | 'silence';

interface Fault {
  readonly title: string;
  /** Does it to the lab, or to the child that captures at the port; and mends it once it was noticed. */
  readonly act: (lab: Lab, child: number, noticed: (sign: Sign) => Promise<unknown>) => Promise<void>;
  /** What ended the child; null: it lives on. */
  readonly ending: RegExp | null;
  /** What the log says before it watches again. */
  readonly says: string | null;
}

const FAULTS: readonly Fault[] = [
  {
    title: 'its child was killed',
    act: async (_, child, noticed) => {
      process.kill(child, 'SIGKILL');
      await noticed('restart');
    },
    ending: /^SIGKILL$/,
    says: `${PORT} is not watched: the process that captures is started again`,
  },
  {
    title: 'the interface was down',
    act: async (lab, _, noticed) => {
      await lab.run('pbx', 'ip', 'link', 'set', PORT, 'down');
      await noticed('down');
      await lab.run('pbx', 'ip', 'link', 'set', PORT, 'up');
    },
    ending: /^SIGABRT: /,
    says: `${PORT} is down: waiting for it`,
  },
  {
    title: 'the interface was deleted and made anew',
    act: async (lab, _, noticed) => {
      await lab.run('pbx', 'ip', 'link', 'delete', PORT);
      await noticed('absent');
      lab.rejoin('cedar');
    },
    ending: /^SIGABRT: |^its interface was made anew$/,
    says: `${PORT} is absent: waiting for it`,
  },
  {
    title: 'its child stood still for two seconds',
    act: async (_, child, noticed) => {
      process.kill(child, 'SIGSTOP');
      await noticed('silence');
      process.kill(child, 'SIGCONT');
    },
    ending: null,
    says: null,
  },
  {
    title: 'its child stood still for ever',
    act: async (_, child, noticed) => {
      process.kill(child, 'SIGSTOP');
      await noticed('restart');
    },
    ending: /^it said nothing for 5 s$/,
    says: `${PORT} is not watched: the process that captures is started again`,
  },
];

const at = (interfaces: readonly InterfaceStatus[], name: string): InterfaceStatus =>
  interfaces.find((each) => each.name === name) ?? assert.fail(`${name} is not shown`);

const silenceMs = ({ interfaces, now }: StatusSnapshot): number =>
  Date.parse(now) - Date.parse(at(interfaces, PORT).lastPacketAt ?? now);

describe('the daemon with `capture: cap`', function () {
  this.timeout(60_000);
  let lab: Lab;
  let daemon: LabDaemon;
  let flood: LabProcess;

  before(async () => {
    lab = new Lab();
    daemon = await LabDaemon.start(lab, labConfiguration({ sections }));
    flood = lab.spawn('internet', synFlood({ to: TENANTS.cedar.ipv4, seconds: 120, packetsPerSecond }));
  });
  after(() => lab.stop());

  /** The child that captures there, as its command line tells. */
  function childAt(name: string): number {
    const words = `"interface":${JSON.stringify(name)}`;
    const child = children(daemon.process.pid).find((pid) =>
      readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(words),
    );
    return child ?? assert.fail(`nobody captures on ${name}`);
  }

  const portIs = <T>(what: string, withinMs: number, shows: (port: InterfaceStatus) => T | undefined | false) =>
    daemon.until(what, withinMs, ({ interfaces }) => shows(at(interfaces, PORT)));

  async function restartsToldByMetrics(): Promise<number> {
    const { body } = await daemon.get('/metrics');
    const [, count] = /^weir_probe_capture_process_restarts_total\{interface="veth-cedar"\} (\d+)$/m.exec(body) ?? [];
    return Number(count);
  }

  it('names a flood', async () => {
    const named = await daemon.until('an incident', NAMED_WITHIN_MS, ({ incidents }) =>
      incidents.find(({ signature }) => signature === 'synFlood'),
    );
    const { tenant, direction, victim } = named;
    assert.deepEqual([tenant, direction, victim], ['cedar', 'inbound', TENANTS.cedar.ipv4]);
  });

  for (const { title, act, ending, says } of FAULTS) {
    it(`lives, says so and goes on when ${title}`, async () => {
      const { interfaces, now } = await daemon.status();
      const before = at(interfaces, PORT);
      const restarts = (before.captureProcess?.restarts ?? 0) + (ending === null ? 0 : 1);
      const noticed = (sign: Sign): Promise<unknown> =>
        daemon.until(sign, NOTICED_WITHIN_MS, (status) => {
          const port = at(status.interfaces, PORT);
          if (sign === 'silence') return silenceMs(status) > 2000;
          return sign === 'restart' ? port.captureProcess?.restarts === restarts : port.state === sign;
        });
      await act(lab, childAt(PORT), noticed);
      const after = await portIs('traffic', BACK_WITHIN_MS, (port) => {
        const isBack = port.state === 'up' && port.captureProcess?.restarts === restarts;
        return isBack && port.received > before.received + packetsPerSecond / 2 && port;
      });
      if (ending !== null) assert.match(after.captureProcess?.lastFailure ?? '', ending);
      assert.equal(await restartsToldByMetrics(), restarts);
      assert.equal((await daemon.get('/healthz')).status, 200);
      const said = (message: string): boolean => daemon.said(message).some(({ time }) => time >= now);
      assert(says === null || (said(says) && said(`watching ${PORT} again`)), daemon.process.stdout);
    });
  }

  it('knows what passed unseen while nobody captured, and has not touched the other interface', async () => {
    await portIs('unseen traffic', UNSEEN_WITHIN_MS, ({ unseen }) => (unseen.bytes ?? 0) > 0);
    const { interfaces, incidents } = await daemon.status();
    const { captureProcess, unseen, workerRestarts } = at(interfaces, 'eth0');
    assert.deepEqual([captureProcess, unseen.bytes, workerRestarts], [{ restarts: 0, lastFailure: null }, 0, 0]);
    assert.deepEqual([at(interfaces, PORT).workerRestarts, at(interfaces, PORT).reattached], [0, 1]);
    assert.equal(incidents.filter(({ signature }) => signature === 'synFlood').length, 1);
  });

  it('has told each kind of trouble in the log, once a minute at most', () => {
    const warnings = daemon.process.stdout.split('\n').filter((line) => line.includes('"level":"warn"'));
    const lines = warnings.map((line): { msg: string } => JSON.parse(line)).map(({ msg }) => msg);
    assert.equal(lines.filter((line) => line === `the process that captures on ${PORT} ended: SIGKILL`).length, 1);
    assert.equal(lines.filter((line) => line.endsWith(` passed ${PORT} unseen`)).length, 1);
    // A machine that is busy may make its child lose packets, which is another matter.
    assert.deepEqual(
      lines.filter((line) => line.includes('eth0') && line !== 'losing packets on eth0'),
      [],
    );
  });

  it('leaves no child behind when it is killed', async () => {
    const both = ['eth0', PORT].map(childAt);
    assert(both.every(isRunning));
    await daemon.process.stop('SIGKILL');
    await until('the end of its children', NOTICED_WITHIN_MS, async () => !both.some(isRunning));
    await flood.stop('SIGINT');
  });
});
