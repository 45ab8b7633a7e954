import assert from 'node:assert/strict';
import type { Incident } from '../../daemon/incidents/incident.ts';
import type { InterfaceStatus, StatusSnapshot } from '../../daemon/status/snapshot.ts';
import { iperf3, iperf3Server, udpFlood } from './attacks.ts';
import { labConfiguration } from './configuration.ts';
import { Lab } from './lab.ts';
import { LabDaemon } from './labDaemon.ts';
import { TENANTS } from './topology.ts';
import { until } from './until.ts';

const { acme } = TENANTS;
/** The suspicion rests on at least ten seconds. */
const SUSPECTED_WITHIN_MS = 25_000;
const NAMED_WITHIN_MS = 10_000;
const packetsPerSecond = 4000;
/** hping3 on a machine that has other things to do. */
const FLOODED_WITHIN_MS = 30_000;
const detectors = { udpFlood: { packetsPerSecond: 1000 } };

const interfaceOf = async (daemon: LabDaemon): Promise<InterfaceStatus> =>
  (await daemon.status()).interfaces[0] ?? assert.fail('no interface is shown');

const udpFloodIn = ({ incidents }: StatusSnapshot): Incident | undefined =>
  incidents.find(({ signature }) => signature === 'udpFlood');

describe('the daemon at a mirror port', function () {
  this.timeout(60_000);
  let lab: Lab;
  let daemon: LabDaemon;

  /** What eth0 receives, or sends, comes to span0, too. */
  const mirror = (hook: 'ingress' | 'egress'): Promise<string> =>
    lab.run(
      'pbx',
      'tc',
      ...`filter add dev eth0 ${hook} u32 match u32 0 0 action mirred egress mirror dev span1`.split(' '),
    );

  const onlySees = async (direction: 'inbound' | 'outbound'): Promise<number> => {
    const { body } = await daemon.get('/metrics');
    const sample = new RegExp(`^weir_probe_only_sees\\{interface="span0",direction="${direction}"\\} ([01])$`, 'm');
    return Number(sample.exec(body)?.[1]);
  };

  before(async () => {
    lab = new Lab();
    await lab.run('pbx', 'ip', 'link', 'add', 'span0', 'up', 'type', 'veth', 'peer', 'name', 'span1');
    await lab.run('pbx', 'ip', 'link', 'set', 'span1', 'up');
    await lab.run('pbx', 'tc', 'qdisc', 'add', 'dev', 'eth0', 'clsact');
    daemon = await LabDaemon.start(lab, labConfiguration({ sections: { interfaces: [{ name: 'span0' }], detectors } }));
  });
  after(() => lab.stop());

  it('suspects that it is shown one direction, trusts what rests on silence by half, and takes both back', async () => {
    await mirror('ingress');
    const server = lab.spawn('acme', iperf3Server(60));
    await until('iperf3 listens', NAMED_WITHIN_MS, async () =>
      (await lab.run('acme', 'ss', '-Hltn')).includes(':5201'),
    );
    const load = lab.spawn('internet', iperf3({ to: acme.ipv4, seconds: 50, rate: '10M' }));
    await daemon.until(
      'the suspicion',
      SUSPECTED_WITHIN_MS,
      ({ interfaces }) => interfaces[0]?.onlySees?.direction === 'inbound',
    );
    assert.deepEqual([await onlySees('inbound'), await onlySees('outbound')], [1, 0]);
    const line = 'only inbound traffic is seen on span0 (a mirror of one way, or asymmetric routes?)';
    assert.equal(daemon.said(line).length, 1);

    const flood = lab.spawn('internet', udpFlood({ to: acme.ipv4, seconds: 40, packetsPerSecond }));
    const named = await daemon.until('an incident', NAMED_WITHIN_MS, udpFloodIn);
    assert.equal(named.confidence, 0.48);

    await mirror('egress');
    await daemon.until('both directions', NAMED_WITHIN_MS, ({ interfaces }) => interfaces[0]?.onlySees === null);
    await daemon.until('full trust', NAMED_WITHIN_MS, (status) => udpFloodIn(status)?.confidence === 0.95);
    assert.equal(daemon.said('both directions are seen on span0 again').length, 1);
    assert.deepEqual([await onlySees('inbound'), await onlySees('outbound')], [0, 0]);
    await Promise.all([flood.stop('SIGINT'), load.stop('SIGINT'), server.stop()]);
  });
});

describe('the daemon, when it stands still in a flood', function () {
  this.timeout(60_000);
  let lab: Lab;
  let daemon: LabDaemon;

  /** Packets that the kernel has counted at eth0, both ways. */
  async function counted(): Promise<number> {
    const [link]: { stats64: { rx: { packets: number }; tx: { packets: number } } }[] = JSON.parse(
      await lab.run('pbx', 'ip', '-j', '-s', 'link', 'show', 'eth0'),
    );
    return (link?.stats64.rx.packets ?? 0) + (link?.stats64.tx.packets ?? 0);
  }

  before(async () => {
    lab = new Lab();
    const ring = { blocks: 4, blockSize: '64kib' };
    const sections = { interfaces: [{ name: 'eth0', faces: 'internet', ring }], detectors, host: { every: '1s' } };
    daemon = await LabDaemon.start(lab, labConfiguration({ sections }));
  });
  after(() => lab.stop());

  it('says how much it lost, to the packet, and that nothing else passed unseen', async () => {
    const before = await daemon.until(
      'a window',
      NAMED_WITHIN_MS,
      ({ interfaces: [each] }) => each?.dropped === 0 && each,
    );
    const countedBefore = await counted();
    const flood = lab.spawn('internet', udpFlood({ to: acme.ipv4, seconds: 40, packetsPerSecond }));
    await daemon.until('an incident', NAMED_WITHIN_MS, udpFloodIn);
    daemon.process.kill('SIGSTOP');
    const stoppedAt = await counted();
    await until(
      'a flood beyond the ring',
      FLOODED_WITHIN_MS,
      async () => (await counted()) > stoppedAt + 2 * packetsPerSecond,
    );
    daemon.process.kill('SIGCONT');
    await daemon.until('windows', NAMED_WITHIN_MS, ({ interfaces }) => (interfaces[0]?.dropped ?? 0) > 0);
    await flood.stop('SIGINT');
    const after = await until('the same counts', NAMED_WITHIN_MS, async () => {
      const now = await interfaceOf(daemon);
      const seen = now.received - before.received + (now.dropped ?? 0) - (before.dropped ?? 0);
      return seen === (await counted()) - countedBefore && now;
    });
    assert.deepEqual([after.state, after.workerRestarts], ['up', 0]);
    assert((after.dropped ?? 0) > packetsPerSecond && (after.lossRatio ?? 0) > 0, `${after.dropped} lost`);
    const { body } = await daemon.get('/metrics');
    assert.match(body, new RegExp(`^weir_interface_dropped_frames_total\\{interface="eth0"\\} ${after.dropped}$`, 'm'));
    assert.equal(daemon.said('losing packets on eth0').length, 1);
    const { host } = await daemon.status();
    const compared = await daemon.until('three more samples', NAMED_WITHIN_MS, (later) => {
      const isCompared = (later.host?.rounds ?? 0) >= (host?.rounds ?? 0) + 3;
      return isCompared && later.interfaces[0];
    });
    assert.equal(compared.unseen.bytes, 0);
  });
});
