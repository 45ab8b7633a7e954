/** A host in a namespace whose near0 is captured through `cap`, and a neighbour that sends to it. */
import { readdirSync, readFileSync } from 'node:fs';
import { openCap } from '../../../probes/cap/cap.ts';
import type { PacketProbe } from '../../../probes/probe.ts';
import { blockOf, frame } from '../../support/frames.ts';
import { inNamespace, joinByVeth } from '../../support/namespace.ts';
import { sendFrames } from '../../support/packetSender.ts';

type Options = Partial<Parameters<typeof openCap>[0]>;

export const SOURCE = { source: '192.0.2.1', destination: '198.51.100.1', protocol: 'udp' } as const;

export class CapBed {
  readonly near: string;
  readonly far: string;

  constructor(name: string) {
    this.near = name;
    this.far = `${name}-far`;
  }

  join(): void {
    joinByVeth([this.near, 'near0'], [this.far, 'far0']);
  }

  open(options: Options = {}): PacketProbe {
    return inNamespace(this.near, () => openCap({ interface: 'near0', bufferBytes: 1 << 24, ...options }));
  }

  /** A probe for as long as `use` takes. */
  with<T>(options: Options, use: (probe: PacketProbe, childPid: number) => T): T {
    const before = new Set(children());
    const probe = this.open(options);
    try {
      return use(probe, children().find((pid) => !before.has(pid)) ?? 0);
    } finally {
      probe.close();
    }
  }

  send(frames: readonly Uint8Array[] = [frame(SOURCE)], packets = frames.length): void {
    const block = blockOf(frames.map((bytes) => ({ bytes })));
    inNamespace(this.far, () => sendFrames('far0', block, { packets, packetsPerSecond: 100_000 }));
  }
}

/** The processes that this one, or that of `pid`, has started. */
export const children = (pid: number | 'self' = 'self'): number[] =>
  readdirSync(`/proc/${pid}/task`)
    .flatMap((task) => readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' '))
    .filter((each) => each !== '')
    .map(Number);

/** Whether the process runs: a dead one that nobody has asked after does not. */
export function isRunning(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
