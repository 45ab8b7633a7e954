/** The flow collector on loopback, over its sockets: what the daemon takes in, what it says was lost, and what that costs. */
import { until } from '../lab/until.ts';
import { benchConfiguration } from './configuration.ts';
import { DaemonProcess } from './daemonProcess.ts';
import { RECORDS } from './flowDatagrams.ts';
import { type FlowLoad, type FlowPace, FlowSender } from './flowSender.ts';
import { inTurn } from './inTurn.ts';
import type { Cell, Section } from './report.ts';
import { NEAR_INTERFACE } from './stage.ts';

const PORT = 2055;
const SECONDS = 5;
const WARM_UP = { seconds: 2, perSecond: 20_000 };
const GOAL = { perSecond: 100_000 };
/** The daemon tells its counts every second. */
const COUNTED_WITHIN_MS = 30_000;
const QUIET_REPORTS = 3;

interface Load extends Pick<FlowLoad, 'protocol' | 'records'> {
  readonly pace: Pick<FlowPace, 'perSecond'>;
}

const LOADS: readonly Load[] = [
  { protocol: 'netflow5', records: 1, pace: GOAL },
  { protocol: 'netflow5', records: RECORDS.netflow5, pace: GOAL },
  { protocol: 'netflow9', records: RECORDS.netflow9, pace: GOAL },
  { protocol: 'ipfix', records: RECORDS.ipfix, pace: GOAL },
  { protocol: 'netflow5', records: 1, pace: {} },
];

export async function measureCollector(): Promise<Section> {
  return {
    title: `Flow records over UDP on loopback for ${SECONDS} s: CPU ns per datagram of the daemon`,
    notes: [
      `after ${WARM_UP.seconds} s of warming up; goal: 100,000 datagrams/s without loss, or the loss said exactly: unsaid is 0`,
      'dropped: by the kernel, as the daemon says; unsaid: sent, but neither received nor said to be dropped',
      'the sender shares the machine: where datagrams/s is less than asked for, it could not send more',
    ],
    columns: [
      'protocol',
      'records each',
      'datagrams/s',
      'sent',
      'received',
      'dropped',
      'unsaid',
      'M records/s',
      'CPU ns',
    ],
    rows: await inTurn(LOADS, measureLoad),
  };
}

async function measureLoad(load: Load): Promise<Cell[]> {
  const collector = {
    listen: [`127.0.0.1:${PORT}`],
    exporters: ['127.0.0.1'],
    templates: '/dev/shm/weir-bench-templates.json',
  };
  const daemon = await DaemonProcess.start(benchConfiguration(NEAR_INTERFACE, [], {}, { collector }));
  const sender = await FlowSender.start({ protocol: load.protocol, records: load.records, port: PORT });
  const warmUp = await sender.send(WARM_UP);
  const first = await counted(daemon, warmUp.sent);
  const before = daemon.cpuSeconds();
  const { sent, seconds } = await sender.send({ seconds: SECONDS, ...load.pace });
  sender.stop();
  const last = await counted(daemon, warmUp.sent + sent);
  const after = daemon.cpuSeconds();
  await daemon.stop();
  const [received, dropped] = [last.received - first.received, last.dropped - first.dropped];
  const cpuNs = ((after.user + after.system - before.user - before.system) * 1e9) / received;
  const perSecond = Math.round(sent / seconds);
  const unsaid = sent - received - dropped;
  return [
    load.protocol,
    load.records,
    perSecond,
    sent,
    received,
    dropped,
    unsaid,
    (last.records - first.records) / seconds / 1e6,
    Math.round(cpuNs),
  ];
}

/** Once all is received or lost, or the daemon has said several times that nothing more came. */
async function counted(daemon: DaemonProcess, sent: number) {
  let last = await counts(daemon);
  let quietReports = 0;
  return until('the daemon has counted all datagrams', COUNTED_WITHIN_MS, async () => {
    const now = await counts(daemon);
    if (now.received !== last.received || now.dropped !== last.dropped) quietReports = 0;
    else if (now.reportAt !== last.reportAt) quietReports++;
    last = now;
    return (now.received + now.dropped >= sent || quietReports >= QUIET_REPORTS) && now;
  });
}

async function counts(daemon: DaemonProcess) {
  const { collector } = await daemon.status();
  const [exporter] = collector?.exporters ?? [];
  return {
    received: exporter?.messages ?? 0,
    dropped: collector?.listeners[0]?.dropped ?? 0,
    records: exporter?.records ?? 0,
    reportAt: collector?.lastReportAt ?? null,
  };
}
