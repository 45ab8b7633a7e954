/** The command lines of real flow exporters; pure. Their timeouts are short, so that a test need not wait for a minute. */
import type { Command } from './attacks.ts';

export interface ExporterPlan {
  readonly interface: string;
  /** `192.0.2.1:2055`. */
  readonly collector: string;
  /** For files of its own. */
  readonly directory: string;
}

export interface Exporter {
  readonly command: Command;
  /** What is to be written before: its configuration; null: it needs none. */
  readonly file: { readonly path: string; readonly text: string } | null;
}

/** Within these a flow that goes on is told of, and one that has ended: the exporter looks every second. Three seconds at most. */
const TIMEOUTS = { tcp: 2, 'tcp.rst': 2, 'tcp.fin': 2, udp: 2, icmp: 2, general: 2, maxlife: 2, expint: 1 };
/** What the collector is configured with for them: more, so that an exporter may be late on a busy machine. */
export const ACTIVE_TIMEOUT_MS = 5000;

/** `version` as softflowd has it: 10 is IPFIX. */
export function softflowd(
  version: 5 | 9 | 10,
  { interface: device, collector, directory }: ExporterPlan,
  transport: 'udp' | 'tcp' = 'udp',
): Exporter {
  const timeouts = Object.entries(TIMEOUTS).flatMap(([name, seconds]) => ['-t', `${name}=${seconds}`]);
  const files = ['-p', `${directory}/softflowd.pid`, '-c', `${directory}/softflowd.ctl`];
  const exporting = ['-v', String(version), '-n', collector, '-P', transport, '-m', '65536'];
  return { command: ['softflowd', '-d', '-i', device, ...exporting, ...timeouts, ...files], file: null };
}

/** pmacctd's NetFlow v9 and IPFIX. */
export function nfprobe(version: 9 | 10, plan: ExporterPlan): Exporter {
  const timeouts = Object.entries(TIMEOUTS).map(([name, seconds]) => `${name}=${seconds}`);
  return pmacctd(plan, [
    'plugins: nfprobe',
    'aggregate: src_host, dst_host, src_port, dst_port, proto, tos, tcpflags',
    `nfprobe_receiver: ${plan.collector}`,
    `nfprobe_version: ${version}`,
    `nfprobe_timeouts: ${timeouts.join(':')}`,
  ]);
}

/** pmacctd's sFlow v5: the headers of one packet in `sampling`. */
export const sfprobe = (sampling: number, plan: ExporterPlan): Exporter =>
  pmacctd(plan, [
    'plugins: sfprobe',
    `sampling_rate: ${sampling}`,
    `sfprobe_receiver: ${plan.collector}`,
    'sfprobe_agentsubid: 7',
  ]);

function pmacctd({ interface: device, directory }: ExporterPlan, lines: readonly string[]): Exporter {
  const path = `${directory}/pmacctd.conf`;
  const text = ['daemonize: false', `pcap_interface: ${device}`, ...lines, ''].join('\n');
  return { command: ['pmacctd', '-f', path], file: { path, text } };
}
