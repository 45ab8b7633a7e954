import assert from 'node:assert/strict';
import type { LimitStatus } from '../../daemon/status/snapshot.ts';
import { iperf3, iperf3Server } from './attacks.ts';
import { labConfiguration } from './configuration.ts';
import { Lab } from './lab.ts';
import { LabDaemon } from './labDaemon.ts';
import type { LabProcess } from './labProcess.ts';
import { type Host, INTERNET_IPV4 } from './topology.ts';
import { until } from './until.ts';
import type { VoiceReport } from './voice.ts';

const LIMIT_BPS = 5e6;
const LIMITED_WITHIN_MS = 15_000;
const LIFTED_WITHIN_MS = 30_000;
const VOICE_PORT = 40_000;
const VOICE_SECONDS = 5;
/** Behind the upload in one queue it would be hundreds of milliseconds. */
const VOICE_DELAY_MS = 50;

const CONFIGURATION = labConfiguration({
  plans: { acme: { threshold: { rate: '20mbit', for: '3s' }, limit: '5mbit' } },
  sections: {
    detectors: { bandwidthThreshold: { mode: 'enforce' } },
    enforcement: { mode: 'enforce', hold: '5s' },
    incidents: { closeAfter: '6s' },
  },
});

describe('the daemon and a tenant past its threshold', function () {
  this.timeout(60_000);
  let lab: Lab;
  let daemon: LabDaemon;
  let untouched: Readonly<Record<string, unknown>>;
  let upload: LabProcess;

  before(async () => {
    lab = new Lab();
    // Frames as a wire carries them, so that an interface counts each with its headers.
    await lab.run('acme', 'ethtool', '-K', 'eth0', 'tso', 'off', 'gso', 'off');
    untouched = await lab.snapshot();
    daemon = await LabDaemon.start(lab, CONFIGURATION);
  });
  after(() => lab.stop());

  /** Once the kernel holds it. */
  async function limitOfAcme(): Promise<LimitStatus> {
    const limit = await daemon.until('a limit', LIMITED_WITHIN_MS, ({ limits }) =>
      limits.find(({ tenant, state }) => tenant === 'acme' && state === 'inForce'),
    );
    await until('its classes', 5000, async () => (await lab.run('pbx', 'tc', 'qdisc', 'show')).includes('htb'));
    return limit;
  }

  it('limits its upload to within 5 % of the limit, and loses none of its voice', async () => {
    upload = await startUpload(lab);
    assert.equal((await limitOfAcme()).rateBps, LIMIT_BPS);
    const { rateBps, voice } = await measureWithVoice(lab);
    assert.deepEqual({ sent: voice.sent, lost: voice.lost }, { sent: VOICE_SECONDS * 50, lost: 0 });
    assert(voice.delayMs && voice.delayMs.p99 < VOICE_DELAY_MS, `${voice.delayMs?.p99} ms`);
    assert(Math.abs(rateBps / LIMIT_BPS - 1) <= 0.05, `${rateBps} bit/s`);
  });

  it('lifts the limit after the hold', async () => {
    await upload.stop('SIGINT');
    await daemon.until('no limit', LIFTED_WITHIN_MS, ({ limits }) => limits.length === 0);
  });

  it('leaves every interface as it was found when it is stopped in the middle of a limit', async () => {
    upload = await startUpload(lab);
    await limitOfAcme();
    assert.notDeepEqual(await lab.snapshot(), untouched);
    assert.deepEqual(await daemon.process.stop('SIGINT'), { code: 0, signal: null });
    assert.deepEqual(await lab.snapshot(), untouched);
  });

  it('takes back at its next start what it left when it was killed', async () => {
    daemon = await LabDaemon.start(lab, CONFIGURATION);
    await limitOfAcme();
    await daemon.process.stop('SIGKILL');
    await upload.stop('SIGINT');
    assert.notDeepEqual(await lab.snapshot(), untouched);
    daemon = await LabDaemon.start(lab, CONFIGURATION);
    await daemon.until('no limit', LIFTED_WITHIN_MS, ({ limits }) => limits.length === 0);
    await daemon.process.stop('SIGTERM');
    assert.deepEqual(await lab.snapshot(), untouched);
  });
});

/** An upload by TCP of twice the threshold. */
async function startUpload(lab: Lab): Promise<LabProcess> {
  lab.spawn('internet', iperf3Server(60));
  await until('iperf3 listens', 5000, async () => (await lab.run('internet', 'ss', '-Hltn')).includes(':5201'));
  return lab.spawn('acme', iperf3({ to: INTERNET_IPV4, seconds: 40, rate: '40M' }));
}

/** What arrives at the internet, in bits of layer 2, while acme also speaks. */
async function measureWithVoice(lab: Lab): Promise<{ rateBps: number; voice: VoiceReport }> {
  await lab.agent('internet').ask('receiveVoice', VOICE_PORT);
  const startMs = performance.now();
  const before = await receivedBytes(lab, 'internet', 'eth0');
  const sent = await lab
    .agent('acme')
    .ask('sendVoice', { to: INTERNET_IPV4, port: VOICE_PORT, seconds: VOICE_SECONDS });
  const bytes = (await receivedBytes(lab, 'internet', 'eth0')) - before;
  const rateBps = (bytes * 8) / ((performance.now() - startMs) / 1000);
  return { rateBps, voice: await lab.agent('internet').ask('closeVoice', VOICE_PORT, sent) };
}

async function receivedBytes(lab: Lab, host: Host, name: string): Promise<number> {
  const answer = await lab.run(host, 'ip', '-j', '-s', 'link', 'show', name);
  const [link]: { stats64: { rx: { bytes: number } } }[] = JSON.parse(answer);
  assert(link);
  return link.stats64.rx.bytes;
}
