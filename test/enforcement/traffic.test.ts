import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import type { Limit } from '../../daemon/enforcement/limit.ts';
import { Limiter } from '../../daemon/enforcement/limiter.ts';
import { Tc } from '../../daemon/enforcement/tc.ts';
import { Lab } from '../lab/lab.ts';
import type { LabProcess } from '../lab/labProcess.ts';
import { type Host, INTERNET_IPV4, LINKS, TENANTS, type TenantId } from '../lab/topology.ts';
import { until } from '../lab/until.ts';
import type { VoiceReport } from '../lab/voice.ts';
import { edgeLimit, portLimit } from './limits.ts';

const MEASURED_MS = 2000;
/** TCP's slow start ends in a burst of losses at a plain FIFO, and at times in a pause, within two seconds of its start. */
const TCP_SETTLING_SECONDS = 2.2;
const UDP_SETTLING_SECONDS = 0.3;
const MAX_SECONDS = 15;
const TOLERANCE = 0.05;
const VOICE = { port: 40_000, seconds: 3 } as const;
/** Typical: 0.1; with two processors under load, the sender itself is late at times. */
const VOICE_DELAY_MS = 5;

interface Load {
  readonly tenant: TenantId;
  /** Whom the tenant talks to, through the limit. */
  readonly peer: Host;
  readonly family: 'ipv4' | 'ipv6';
  readonly way: 'upload' | 'download';
  /** UDP at this rate; null: TCP. */
  readonly udpBps: number | null;
}

const acme: Load = { tenant: 'acme', peer: 'internet', family: 'ipv4', way: 'upload', udpBps: null };
const dogwood: Load = { ...acme, tenant: 'dogwood', peer: 'birch' };

const atPort = (rateBps: number): Limit[] => [portLimit('acme', { rateBps })];
const atEdge = (rateBps: number): Limit[] => [edgeLimit('acme', { rateBps })];
const beyond = (rateBps: number): Limit[] => [edgeLimit('dogwood', { rateBps })];

describe('a limit under load', function () {
  this.timeout(30_000);
  let lab: Lab;
  let limiter: Limiter;
  let running: LabProcess[] = [];

  before(async () => {
    lab = new Lab();
    // A counter of interfaces counts a super-packet's headers once; HTB counts those of its segments.
    const offloads = ['tso', 'off', 'gso', 'off', 'gro', 'off'];
    const ends = LINKS.flat().map((end) => lab.run(end.host, 'ethtool', '-K', end.interface, ...offloads));
    await Promise.all(ends);
    limiter = new Limiter(new Tc({ netns: `${lab.name}-pbx`, sys: `/proc/${lab.agent('pbx').pid}/root/sys` }));
    await limiter.start();
  });
  afterEach(async () => {
    await Promise.all(running.map((each) => each.stop('SIGKILL')));
    running = [];
    await limiter.apply([]);
  });
  after(() => lab.stop());

  const spawn = (host: Host, ...command: string[]): void => void running.push(lab.spawn(host, command));

  /** Bytes that came to a host so far. */
  async function bytesAt(host: Host): Promise<number> {
    const shown = await lab.run(host, 'ip', '-j', '-s', 'link', 'show', 'eth0');
    const [link]: { stats64: { rx: { bytes: number } } }[] = JSON.parse(shown);
    return link?.stats64.rx.bytes ?? Number.NaN;
  }

  /** Sends until the test ends: the tenant serves, its peer asks. */
  async function start({ tenant, peer, family, way, udpBps }: Load, streams = 1): Promise<void> {
    spawn(tenant, 'iperf3', '--server', '--one-off');
    await until('iperf3 listens', 5000, async () => (await lab.run(tenant, 'ss', '-Hltn')).includes(':5201'));
    const kind = udpBps === null ? [] : ['--udp', '--length', '1200', '--bitrate', String(udpBps)];
    const reverse = way === 'upload' ? ['--reverse'] : [];
    const options = ['--time', String(MAX_SECONDS), '--parallel', String(streams), ...kind, ...reverse];
    spawn(peer, 'iperf3', '--client', TENANTS[tenant][family], ...options);
  }

  /** Bit/s of layer 2 that arrive at a host, once what a limit of `limitBps` passes in some seconds has arrived. */
  async function rateAt(host: Host, limitBps: number, settlingSeconds: number): Promise<number> {
    const atStart = await bytesAt(host);
    const settledBytes = (limitBps / 8) * settlingSeconds;
    await until('the load runs', 8000, async () => (await bytesAt(host)) - atStart > settledBytes);
    const [from, fromMs] = [await bytesAt(host), performance.now()];
    await pause(MEASURED_MS);
    const [to, toMs] = [await bytesAt(host), performance.now()];
    return ((to - from) * 8000) / (toMs - fromMs);
  }

  const loads: [string, (rateBps: number) => Limit[], number, Load][] = [
    ['at its port', atPort, 5, acme],
    ['at its port', atPort, 20, { ...acme, family: 'ipv6', way: 'download' }],
    ['at its port', atPort, 5, { ...acme, family: 'ipv6', udpBps: 10e6 }],
    ['at its port', atPort, 20, { ...acme, way: 'download', udpBps: 40e6 }],
    ['at the edge', atEdge, 20, { ...acme, family: 'ipv6' }],
    ['at the edge', atEdge, 5, { ...acme, way: 'download' }],
    ['at the edge', atEdge, 20, { ...acme, udpBps: 40e6 }],
    ['at the edge', atEdge, 5, { ...acme, family: 'ipv6', way: 'download', udpBps: 10e6 }],
    ['at the edge, from beyond it', beyond, 5, { ...dogwood, udpBps: 10e6 }],
    ['at the edge, from beyond it', beyond, 20, { ...dogwood, family: 'ipv6', way: 'download' }],
  ];
  for (const [where, limitsTo, megabits, load] of loads) {
    const { tenant, peer, family, way, udpBps } = load;
    const protocol = udpBps === null ? 'TCP' : 'UDP';
    it(`holds a ${protocol} ${way} over ${family} ${where} to ${megabits} Mbit/s`, async () => {
      await limiter.apply(limitsTo(megabits * 1e6));
      await start(load);
      const settling = udpBps === null ? TCP_SETTLING_SECONDS : UDP_SETTLING_SECONDS;
      const share = (await rateAt(way === 'upload' ? peer : tenant, megabits * 1e6, settling)) / (megabits * 1e6);
      assert(Math.abs(share - 1) < TOLERANCE, `${(share * 100).toFixed(1)} % of the limit`);
    });
  }

  const floods: [string, number | null, number][] = [
    ['4 TCP streams', null, 4],
    // One socket's buffer does not fill the queue.
    ['a UDP flood at 20 times the limit', 25e6, 4],
  ];
  for (const [name, udpBps, streams] of floods) {
    it(`loses no voice within a full limit: ${name}`, async () => {
      const limits = atPort(5e6);
      await limiter.apply(limits);
      await start({ ...acme, udpBps }, streams);
      await until('the limit is full', 5000, async () => {
        await limiter.count();
        return (limiter.state().limits[0]?.outbound.bulk?.drops ?? 0) > 0;
      });
      const { sent, lost, delayMs } = await call();
      assert.deepEqual({ sent, lost }, { sent: 150, lost: 0 });
      assert(delayMs && delayMs.p50 < VOICE_DELAY_MS, `${delayMs?.p50} ms`);
      await limiter.count();
      assert.equal(limiter.state().limits[0]?.outbound.voice?.drops, 0);
    });
  }

  /** The tenant's half of a call. */
  async function call(): Promise<VoiceReport> {
    await lab.agent('internet').ask('receiveVoice', VOICE.port);
    const sent = await lab.agent('acme').ask('sendVoice', { to: INTERNET_IPV4, ...VOICE });
    return lab.agent('internet').ask('closeVoice', VOICE.port, sent);
  }

  it('loses no voice while the rate changes, or the limit comes and goes', async () => {
    const report = call();
    const rates = [5e6, 4e6, 6e6, 20e6, 1e6];
    await Promise.all([...rates, ...rates].map((rateBps) => limiter.apply(atPort(rateBps))));
    await Promise.all([limiter.apply([]), limiter.apply(atPort(5e6)), limiter.apply([])]);
    assert.equal((await report).lost, 0);
  });

  it('does not touch the neighbours', async () => {
    await limiter.apply(atPort(5e6));
    await start({ ...acme, way: 'download', udpBps: 40e6 });
    await start({ ...acme, tenant: 'birch', way: 'download', udpBps: 40e6 });
    const [limited, free] = await Promise.all([
      rateAt('acme', 5e6, UDP_SETTLING_SECONDS),
      rateAt('birch', 40e6, UDP_SETTLING_SECONDS),
    ]);
    assert(Math.abs(limited / 5e6 - 1) < TOLERANCE, `${limited} bit/s of the limited`);
    assert(free > 40e6, `${free} bit/s of the neighbour`);
  });
});
