/** How long it takes from the first packet of a flood until a real Alertmanager has accepted the alert. */
import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';
import { formatAddress } from '../../daemon/metering/address.ts';
import { WINDOW_MS } from '../../daemon/metering/window.ts';
import { startAlertmanager, type TestAlertmanager } from '../support/alertmanager.ts';
import { AcceptanceProxy } from './acceptanceProxy.ts';
import { benchConfiguration, FLOOD_THRESHOLD } from './configuration.ts';
import { DaemonProcess } from './daemonProcess.ts';
import { inTurn } from './inTurn.ts';
import { type Cell, type Section, spread } from './report.ts';
import { Sender } from './sender.ts';
import { NEAR_INTERFACE } from './stage.ts';
import { tenantAddress } from './workload/addresses.ts';
import type { WorkloadName } from './workload/workload.ts';

const RUNS = 5;
const FLOOD_SECONDS = 1.2;
const GIVE_UP_MS = 5000;
const BACKGROUND_PACKETS_PER_SECOND = 20_000;
/** Longer than all floods together. */
const BACKGROUND_SECONDS = 300;
/** Each flood has a victim of its own, so that none is a part of an incident that is open already. */
const FIRST_VICTIM = 20;

interface Flood {
  readonly workload: WorkloadName;
  readonly signature: string;
  readonly timesThreshold: number;
}

const FLOODS: readonly Flood[] = [2.5, 10].flatMap((timesThreshold) => [
  { workload: 'udpFlood', signature: 'udpFlood', timesThreshold },
  { workload: 'flood', signature: 'synFlood', timesThreshold },
]);

interface Parts {
  readonly proxy: AcceptanceProxy;
  readonly alertmanager: TestAlertmanager;
  readonly attacker: Sender;
}

export async function measureLatency(): Promise<Section> {
  const alertmanager = await startAlertmanager();
  const proxy = await AcceptanceProxy.start(alertmanager.url);
  const daemon = await DaemonProcess.start(benchConfiguration(NEAR_INTERFACE, [proxy.url]));
  const background = startBackground();
  const attacker = new Sender();
  // The first call of a sender is slow.
  await attacker.send({ workload: 'mix', frames: 1 });
  const rows = await measureFloods({ proxy, alertmanager, attacker });
  for (const sender of [background, attacker]) sender.stop();
  await daemon.stop();
  proxy.stop();
  await alertmanager.stop();
  return {
    title: 'From the first packet of a flood to its alert accepted by Alertmanager, in ms',
    notes: [
      `over ${BACKGROUND_PACKETS_PER_SECOND} packets/s of everyday traffic, threshold ${FLOOD_THRESHOLD} packets/s, at random phases of the windows`,
      "from the sender's clock before the first packet to Alertmanager's answer; resolution 1 ms",
      'goal: median at most 1000 at 2.5 times the threshold (of the design: 500, and 300 at 10 times)',
      'FastNetMon 1.2.4 at 2.5 times: 2540-3720 as packaged, 340-1360 with its flow threshold on',
    ],
    columns: ['attack', 'packets/s', 'x threshold', 'accepted', 'min', 'median', 'max'],
    rows,
  };
}

function startBackground(): Sender {
  const sender = new Sender();
  const plan = { packetsPerSecond: BACKGROUND_PACKETS_PER_SECOND, seconds: BACKGROUND_SECONDS };
  // It is stopped before it is done.
  void sender.send({ workload: 'mix', frames: 100_000, plan }).catch(() => undefined);
  return sender;
}

function measureFloods(parts: Parts): Promise<Cell[][]> {
  return inTurn(FLOODS.entries(), ([i, flood]) => measureFlood(flood, FIRST_VICTIM + i * RUNS, parts));
}

async function measureFlood(flood: Flood, firstVictim: number, parts: Parts): Promise<Cell[]> {
  const victims = Array.from({ length: RUNS }, (_, run) => tenantAddress(firstVictim + run));
  const results = await inTurn(victims, (victim) => measureOnce(flood, victim, parts));
  const latencies = results.filter((latency) => latency !== null);
  const shown = await parts.alertmanager.alerts(`alertname=${flood.signature}`);
  assert(shown.length >= latencies.length, `Alertmanager shows ${shown.length} alerts, accepted ${latencies.length}`);
  const { min, median, max } = spread(latencies.length > 0 ? latencies : [Number.NaN]);
  const { signature, timesThreshold } = flood;
  const accepted = `${latencies.length} of ${RUNS}`;
  return [signature, timesThreshold * FLOOD_THRESHOLD, timesThreshold, accepted, ...[min, median, max].map(Math.round)];
}

/** Milliseconds; null: no alert came. */
async function measureOnce(
  { workload, signature, timesThreshold }: Flood,
  victim: number,
  { proxy, attacker }: Parts,
): Promise<number | null> {
  const packetsPerSecond = timesThreshold * FLOOD_THRESHOLD;
  const accepted = proxy.accepted(signature, formatAddress(0, 0, 0xffff, victim | 0));
  await setTimeout(Math.random() * WINDOW_MS);
  const plan = { packetsPerSecond, seconds: FLOOD_SECONDS };
  const { startMs } = await attacker.send({ workload, victim, frames: packetsPerSecond, plan });
  const acceptedMs = await Promise.race([accepted, setTimeout(GIVE_UP_MS, null, { ref: false })]);
  return acceptedMs === null ? null : acceptedMs - startMs;
}
