/** The daemon's memory, and how soon it answers, while packets come from more sources than any table holds. */
import { benchConfiguration } from './configuration.ts';
import { DaemonProcess, STATUS_URL } from './daemonProcess.ts';
import { percentile, type Section } from './report.ts';
import { machineMs, Sender, type SendReport } from './sender.ts';
import { NEAR_INTERFACE } from './stage.ts';

/** Each round has sources of its own. */
const ROUNDS = 40;
const FRAMES = 500_000;
const REQUEST_EVERY_MS = 20;

export async function measureMemory(): Promise<Section> {
  const daemon = await DaemonProcess.start(benchConfiguration(NEAR_INTERFACE));
  const sender = new Sender();
  const before = daemon.memoryMiB('VmRSS');
  const { report, latenciesMs } = await sendAndAsk(sender);
  const { received, dropped } = await daemon.counted();
  const { self } = await daemon.status();
  const facts = [
    ['packets sent, the source of each drawn at random', report.sent],
    ['packets/s', Math.round(report.sent / report.seconds)],
    ['received', received],
    ['lost', dropped],
    ['VmRSS before, MiB', before],
    ['VmRSS after, MiB', daemon.memoryMiB('VmRSS')],
    ['VmHWM, MiB', daemon.memoryMiB('VmHWM')],
    ['of VmRSS the capture ring, MiB', daemon.ringMiB()],
    ['requests of /healthz, 50 a second', latenciesMs.length],
    ['answered after ms, median', percentile(latenciesMs, 50)],
    ['p99', percentile(latenciesMs, 99)],
    ['max', percentile(latenciesMs, 100)],
    ['event loop delay p99, ms', self.eventLoopDelayP99Ms],
  ] as const;
  sender.stop();
  await daemon.stop();
  return {
    title: 'Memory and answers under a flood from random sources',
    notes: ['goals: VmRSS at most 300 MiB, /healthz p99 below 50 ms'],
    columns: ['what', 'value'],
    rows: facts,
  };
}

/** Asks for the daemon's health all the while; the times of the answers are in ascending order. */
async function sendAndAsk(sender: Sender): Promise<{ report: SendReport; latenciesMs: number[] }> {
  const answers: Promise<number>[] = [];
  const timer = setInterval(() => answers.push(timeOfAnswer()), REQUEST_EVERY_MS);
  const report = await sender.send({ workload: 'flood', frames: FRAMES, rounds: ROUNDS });
  clearInterval(timer);
  const latenciesMs = await Promise.all(answers);
  return { report, latenciesMs: latenciesMs.toSorted((a, b) => a - b) };
}

async function timeOfAnswer(): Promise<number> {
  const startMs = machineMs();
  const response = await fetch(`${STATUS_URL}/healthz`);
  await response.arrayBuffer();
  return machineMs() - startMs;
}
