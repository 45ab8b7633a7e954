/** The workloads of the benchmark: the same frames in every run, and on every machine. */
import { outsideAddress, tenantAddress, TENANTS } from './addresses.ts';
import { Benign } from './benign.ts';
import { FrameBuilder, SHORTEST, SYN, TCP, UDP } from './frameBuilder.ts';
import { Xorshift64 } from './xorshift64.ts';

export interface Workload {
  /** How many there are if nobody says otherwise. */
  readonly packets: number;
  readonly intervalUs: number;
  /** Of all but a few stray frames. */
  readonly ipVersion: 4 | 6;
  /** Gives what builds the frame of each number, in order. */
  readonly create: (parts: Parts) => (index: number) => void;
}

interface Parts {
  readonly random: Xorshift64;
  readonly frame: FrameBuilder;
  readonly benign: Benign;
  /** Whom floods are aimed at. */
  readonly victim: number;
}

/** 91.205.30.77 */
const SCANNER = 0x5bcd1e4d;
/** 10.20.7.10 */
const VICTIM = tenantAddress(7);

const mix =
  ({ benign }: Parts) =>
  () =>
    benign.next();

/** SYNs from random sources at one port. */
const flood =
  ({ random, frame, victim }: Parts) =>
  () => {
    const ttl = 40 + random.below(200);
    const source = random.next();
    frame.ip({ source, destination: victim, protocol: TCP, length: SHORTEST, ttl, outbound: false });
    const sequence = random.next();
    frame.tcp(1024 + random.below(64_000), 5061, sequence, 0, SYN);
  };

/** Voice-sized datagrams from 1,000 sources at one port. */
const udpFlood =
  ({ random, frame, victim }: Parts) =>
  () => {
    const source = outsideAddress(random.below(1000));
    frame.ip({ source, destination: victim, protocol: UDP, length: 214, ttl: 52, outbound: false });
    frame.udp(random.next() & 0xffff, 10_000, 172);
  };

function probe({ random, frame }: Parts, destination: number, sourcePort: number, port: number): void {
  frame.ip({ source: SCANNER, destination, protocol: TCP, length: SHORTEST, ttl: 49, outbound: false });
  frame.tcp(sourcePort, port, random.next(), 0, SYN);
}

/** Every fifth packet is a scanner's, who tries one port after the other at each tenant in turn. */
const scan = (parts: Parts) => (index: number) => {
  if (index % 5 !== 4) return parts.benign.next();
  const number = Math.floor(index / 5);
  const round = Math.floor(number / TENANTS);
  return probe(parts, tenantAddress(number % TENANTS), 40_000 + (round % 1000), 1 + ((round * 7) % 65_535));
};

const slowScan = (parts: Parts) => (index: number) =>
  probe(parts, tenantAddress(index % TENANTS), 40_000 + (index % 1000), 1 + ((index * 7) % 65_535));

const portScan = (parts: Parts) => (index: number) => probe(parts, parts.victim, 40_000, 1 + (index % 65_535));

const MILLION = 1_000_000;

export const WORKLOADS = {
  mix: { packets: 4 * MILLION, intervalUs: 3, ipVersion: 4, create: mix },
  flood: { packets: 4 * MILLION, intervalUs: 2, ipVersion: 4, create: flood },
  mix6: { packets: 4 * MILLION, intervalUs: 3, ipVersion: 6, create: mix },
  flood6: { packets: 4 * MILLION, intervalUs: 2, ipVersion: 6, create: flood },
  scan: { packets: MILLION, intervalUs: 12, ipVersion: 4, create: scan },
  udpFlood: { packets: MILLION / 2, intervalUs: 20, ipVersion: 4, create: udpFlood },
  slowScan: { packets: 20_000, intervalUs: 10_000, ipVersion: 4, create: slowScan },
  portScan: { packets: 65_000, intervalUs: 1000, ipVersion: 4, create: portScan },
} as const satisfies Record<string, Workload>;

export type WorkloadName = keyof typeof WORKLOADS;

/** A frame; valid until the next one is asked for. */
export interface BuiltFrame {
  readonly bytes: Uint8Array;
  readonly wireLength: number;
}

/** The frames of a workload from the first on, one a call, without end. */
export function framesOf(name: WorkloadName, victim: number = VICTIM): () => BuiltFrame {
  const { ipVersion, create } = WORKLOADS[name];
  const random = new Xorshift64();
  const frame = new FrameBuilder(ipVersion);
  const build = create({ random, frame, benign: new Benign(random, frame), victim });
  let index = 0;
  return () => {
    build(index++);
    return frame;
  };
}
