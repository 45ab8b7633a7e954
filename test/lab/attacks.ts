/** The command lines of attacks and loads by real tools; pure. Each ends by itself after `seconds`. */

export interface FloodPlan {
  readonly to: string;
  readonly port?: number;
  readonly seconds: number;
  /** hping3 sends one packet at a time on a timer, and comes to some ten thousand a second; absent: as fast as it can. */
  readonly packetsPerSecond?: number;
  /** A random source in each packet; else the host's own. */
  readonly spoofed?: boolean;
  /** Bytes after the TCP, UDP or ICMP header. */
  readonly payload?: number;
}

export type Command = readonly [string, ...string[]];

export const synFlood = (plan: FloodPlan): Command => hping3(['-S', '-p', String(plan.port ?? 5060)], plan);
export const udpFlood = (plan: FloodPlan): Command => hping3(['--udp', '-p', String(plan.port ?? 5060)], plan);
export const icmpFlood = (plan: FloodPlan): Command => hping3(['--icmp'], plan);
/** `kind` as hping3 has it: `-S -X -Y`, `--udp -x`. */
export const floodOf = (kind: string, plan: FloodPlan): Command => hping3(kind.split(' ').filter(Boolean), plan);

function hping3(kind: readonly string[], plan: FloodPlan): Command {
  const { packetsPerSecond: rate } = plan;
  const pace = rate === undefined ? ['--flood'] : ['-i', `u${Math.max(1, Math.round(1_000_000 / rate))}`];
  const source = plan.spoofed ? ['--rand-source'] : [];
  return bounded(plan.seconds, [
    'hping3',
    '-q',
    '-n',
    ...kind,
    ...pace,
    ...source,
    '-d',
    String(plan.payload ?? 0),
    plan.to,
  ]);
}

export interface LoadPlan {
  readonly to: string;
  readonly seconds: number;
  /** As iperf3 takes it: `60M`; absent: TCP takes what it gets, UDP 1 Mbit/s. */
  readonly rate?: string;
  readonly udp?: boolean;
  /** The server sends, the client receives. */
  readonly download?: boolean;
}

/** Serves one test, then ends. */
export const iperf3Server = (seconds: number): Command => bounded(seconds, ['iperf3', '--server', '--one-off']);

export function iperf3(plan: LoadPlan): Command {
  const rate = plan.rate === undefined ? [] : ['--bitrate', plan.rate];
  const kind = [...(plan.udp ? ['--udp', '--length', '1200'] : []), ...(plan.download ? ['--reverse'] : [])];
  const time = ['--time', String(plan.seconds)];
  return bounded(plan.seconds + 10, ['iperf3', '--client', plan.to, ...time, ...rate, ...kind, '--json']);
}

export const synScan = (to: string, ports = '1-1000'): Command =>
  bounded(60, ['nmap', '-n', '-Pn', '-sS', '--max-retries', '1', '-p', ports, to]);

/** SIGINT lets a tool print its report. */
function bounded(seconds: number, command: readonly string[]): Command {
  return ['timeout', '--signal=INT', '--kill-after=5', String(seconds), ...command];
}
