import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, icmpFlood, iperf3, iperf3Server, synFlood, synScan, udpFlood } from './attacks.ts';
import { Lab } from './lab.ts';
import { type Host, INTERNET_IPV4, INTERNET_IPV6, TENANTS } from './topology.ts';
import { until } from './until.ts';

const NETWORK = join(import.meta.dirname, 'network.ts');

/** Packets that came to an interface of a host so far. */
async function packetsIn(lab: Lab, host: Host, name: string): Promise<number> {
  const [link]: { stats64: { rx: { packets: number } } }[] = JSON.parse(
    await lab.run(host, 'ip', '-j', '-s', 'link', 'show', name),
  );
  assert(link);
  return link.stats64.rx.packets;
}

describe('Lab', function () {
  this.timeout(30_000);
  let lab: Lab;
  before(() => {
    lab = new Lab();
  });
  after(() => lab.stop());

  for (const { id, ipv4, ipv6 } of Object.values(TENANTS)) {
    it(`joins ${id} and the internet, both ways, over IPv4 and IPv6`, async () => {
      const ways = [
        ['internet', ipv4],
        ['internet', `[${ipv6}]`],
        [id, INTERNET_IPV4],
        [id, `[${INTERNET_IPV6}]`],
      ] as const;
      // Nobody listens there: that the far end refuses is proof that it was reached.
      const asked = ways.map(([host, to]) =>
        assert.rejects(lab.agent(host).ask('get', `http://${to}:9999`), /ECONNREFUSED/),
      );
      await Promise.all(asked);
    });
  }

  const { ipv4: to } = TENANTS.acme;
  const floods: [string, Command, number][] = [
    ['SYN flood with random sources', synFlood({ to, seconds: 1, spoofed: true }), 20_000],
    ['SYN flood at 2,000 packets/s', synFlood({ to, seconds: 1, packetsPerSecond: 2000 }), 1000],
    ['UDP flood', udpFlood({ to, seconds: 1, payload: 100 }), 20_000],
    ['ICMP flood', icmpFlood({ to, seconds: 1 }), 20_000],
    ['SYN scan of 1,000 ports', synScan(to), 1000],
  ];
  for (const [name, command, atLeast] of floods) {
    it(`carries a ${name} to a tenant`, async () => {
      const before = await packetsIn(lab, 'acme', 'eth0');
      await lab.spawn('internet', command).ended;
      const arrived = (await packetsIn(lab, 'acme', 'eth0')) - before;
      assert(arrived >= atLeast, `${arrived} packets arrived`);
    });
  }
  it('carries a load at its rate from a tenant', async () => {
    const server = lab.spawn('internet', iperf3Server(10));
    await until('iperf3 listens', 5000, async () => (await lab.run('internet', 'ss', '-Hltn')).includes(':5201'));
    const client = lab.spawn('acme', iperf3({ to: INTERNET_IPV4, seconds: 1, rate: '20M' }));
    await client.ended;
    await server.ended;
    const report: { end: { sum_received: { bits_per_second: number } } } = JSON.parse(client.stdout);
    const rateBps = report.end.sum_received.bits_per_second;
    assert(rateBps > 15e6 && rateBps < 25e6, `${rateBps} bit/s`);
  });

  it('carries a voice stream without loss, marked EF', async () => {
    const port = 40_000;
    await lab.agent('internet').ask('receiveVoice', port);
    const tcpdump = ['tcpdump', '-n', '-i', 'eth0', '-c', '1', '-v', '-e', `udp port ${port}`] as const;
    const dumped = lab.run('pbx', ...tcpdump);
    const sent = await lab.agent('birch').ask('sendVoice', { to: INTERNET_IPV4, port, seconds: 1 });
    const { lost, delayMs } = await lab.agent('internet').ask('closeVoice', port, sent);
    assert.deepEqual({ sent, lost }, { sent: 50, lost: 0 });
    assert(delayMs && delayMs.p50 < 20, `${delayMs?.p50} ms`);
    assert.match(await dumped, /length 214:.*tos 0xb8/);
  });

  it('gives the same snapshot when nothing has changed, another when a queueing discipline has come', async () => {
    const before = await lab.snapshot();
    assert.deepEqual(await lab.snapshot(), before);
    await lab.run('pbx', 'tc', 'qdisc', 'add', 'dev', 'eth0', 'clsact');
    assert.notDeepEqual(await lab.snapshot(), before);
    await lab.run('pbx', 'tc', 'qdisc', 'del', 'dev', 'eth0', 'clsact');
    assert.deepEqual(await lab.snapshot(), before);
  });

  it('runs beside another, which leaves no namespace, process or file when it stops', async () => {
    const other = new Lab();
    const sleeper = other.spawn('acme', ['sleep', '600']);
    await other.agent('acme').ask('receiveVoice', 40_000);
    await other.stop();
    assert.equal((await sleeper.ended).signal, 'SIGKILL');
    assert(!existsSync(other.directory));
    assert(!namespaces().includes(`${other.name}-`));
    assert(namespaces().includes(`${lab.name}-`));
  });

  it('removes what a dead lab has left', async () => {
    const code = `import('${NETWORK}').then(({ addNetwork, nextLabName }) => { addNetwork(nextLabName()); process.kill(process.pid, 'SIGKILL'); })`;
    const { pid } = spawnSync(process.execPath, ['-e', code]);
    assert(namespaces().includes(`weir-lab-${pid}-1-pbx`));
    await new Lab().stop();
    assert(!namespaces().includes(`weir-lab-${pid}-`));
  });
});

function namespaces(): string {
  return execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' });
}
