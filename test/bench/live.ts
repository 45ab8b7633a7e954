/** What the daemon costs on live traffic at the highest rate that the sender reaches, and what it loses. */
import { benchConfiguration } from './configuration.ts';
import { type Counted, DaemonProcess } from './daemonProcess.ts';
import { inTurn } from './inTurn.ts';
import type { Cell, Section } from './report.ts';
import { Sender } from './sender.ts';
import { NEAR_INTERFACE } from './stage.ts';
import type { WorkloadName } from './workload/workload.ts';

const NAMES: readonly WorkloadName[] = ['mix', 'flood', 'mix6', 'flood6'];
const SECONDS = 8;
const WARM_UP = { seconds: 2, packetsPerSecond: 200_000 };
/** Made before they are sent over and over. */
const FRAMES = 1_000_000;

export async function measureLive(): Promise<Section> {
  const rows = await inTurn(NAMES, measureWorkload);
  return {
    title: `Live on a veth, the sender at its highest rate for ${SECONDS} s: CPU ns per packet of the daemon`,
    notes: [
      `after ${WARM_UP.seconds} s of warming up; all threads; goals: at most 200, nothing lost`,
      'lost: dropped by the ring; unseen: sent, but dropped by the veth before it',
      'FastNetMon 1.2.4 with AF_PACKET, same workloads: mix 419-721, flood 1732-1937 (measured on 2 vCPU AMD EPYC,',
      'Debian 12, Linux 6.18; in no Debian repository, so not run here)',
    ],
    columns: ['workload', 'packets/s', 'sent', 'received', 'lost', 'unseen', 'user', 'system', 'CPU ns'],
    rows,
  };
}

interface Reading extends Counted {
  readonly user: number;
  readonly system: number;
}

async function measureWorkload(workload: WorkloadName): Promise<Cell[]> {
  const daemon = await DaemonProcess.start(benchConfiguration(NEAR_INTERFACE));
  const sender = new Sender();
  await sender.send({ workload, frames: FRAMES, plan: WARM_UP });
  const before = await read(daemon);
  const { sent, seconds } = await sender.send({ workload, frames: FRAMES, plan: { seconds: SECONDS } });
  const after = await read(daemon);
  sender.stop();
  await daemon.stop();
  const received = after.received - before.received;
  const lost = after.dropped - before.dropped;
  const user = ((after.user - before.user) * 1e9) / received;
  const system = ((after.system - before.system) * 1e9) / received;
  const times = [user, system, user + system].map(Math.round);
  return [workload, Math.round(sent / seconds), sent, received, lost, sent - received - lost, ...times];
}

async function read(daemon: DaemonProcess): Promise<Reading> {
  const counted = await daemon.counted();
  return { ...counted, ...daemon.cpuSeconds() };
}
