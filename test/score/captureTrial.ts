/** A capture file as a trial: whose traffic it is, and which of its packets are the attack. */
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { decodeFrame } from '../../daemon/metering/decode.ts';
import { FRAME_ARP, FRAME_IP, Header } from '../../daemon/metering/header.ts';
import { TenantDirectory } from '../../daemon/tenants/directory.ts';
import { DecodeError } from '../../probes/decodeError.ts';
import { openPcap } from '../../probes/pcap/pcapProbe.ts';
import type { FrameBlock, Milliseconds } from '../../probes/probe.ts';
import { Observer, type Place } from './observe.ts';
import type { Named, Trial, TrialKind, WrittenTenant } from './trial.ts';

/** From an address of these to one of those; left out: any. */
export interface Between {
  readonly from?: readonly string[];
  readonly to?: readonly string[];
}

export interface Attack extends Named {
  /** Its packets; all of the capture's if left out. */
  readonly packets?: Between;
}

export interface CaptureTrial extends Place {
  readonly name: string;
  readonly kind: TrialKind;
  readonly path: string;
  readonly tenants: readonly WrittenTenant[];
  readonly expected?: readonly Attack[];
  readonly allowed?: readonly Named[];
  /** Its pauses are made so many times as long. */
  readonly stretched?: number;
}

/** `workshop`: a folder for unpacked files. */
export const captureTrial = (capture: CaptureTrial, workshop: string): Trial => ({
  name: capture.name,
  kind: capture.kind,
  expected: capture.expected ?? [],
  allowed: capture.allowed ?? [],
  observe() {
    const path = unpacked(capture.path, workshop);
    const { stretched = 1 } = capture;
    const attackTimesMs = (capture.expected ?? []).map(({ packets }) => timesOf(path, packets ?? {}, stretched));
    const observer = new Observer(capture.tenants, capture);
    for (const block of blocksOf(path, stretched)) observer.observe(block);
    return { ...observer.finish(), attackTimesMs };
  },
});

function unpacked(path: string, workshop: string): string {
  if (!path.endsWith('.gz')) return path;
  const plain = join(workshop, basename(path, '.gz'));
  writeFileSync(plain, gunzipSync(readFileSync(path)));
  return plain;
}

/** Up to where the file is broken; none when it is no capture at all. */
function* blocksOf(path: string, stretched: number): Generator<FrameBlock> {
  try {
    const probe = openPcap(path);
    let firstMs: Milliseconds | null = null;
    try {
      for (let block = probe.next(0); block !== null; block = probe.next(0)) {
        firstMs ??= block.timesMs[0]!;
        if (stretched !== 1) stretch(block, firstMs, stretched);
        yield block;
      }
    } finally {
      probe.close();
    }
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
  }
}

/** Answers too come later: after what they took, milliseconds, times as much. */
function stretch({ timesMs, count }: FrameBlock, firstMs: Milliseconds, times: number): void {
  for (let i = 0; i < count; i++) timesMs[i] = firstMs + (timesMs[i]! - firstMs) * times;
}

function timesOf(path: string, { from = ANY, to = ANY }: Between, stretched: number): Milliseconds[] {
  const [sources, destinations] = [from, to].map((addresses) => new TenantDirectory([tenantOf(addresses)]));
  const header = new Header();
  const times: Milliseconds[] = [];
  for (const block of blocksOf(path, stretched)) {
    const view = new DataView(block.bytes.buffer, block.bytes.byteOffset, block.bytes.byteLength);
    for (let i = 0; i < block.count; i++) {
      const { offsets, capturedLengths, wireLengths, timesMs, linkType } = block;
      const frame = decodeFrame(view, offsets[i]!, capturedLengths[i]!, wireLengths[i]!, linkType, header);
      if (frame !== FRAME_IP && frame !== FRAME_ARP) continue;
      const { source0, source1, source2, source3, destination0, destination1, destination2, destination3 } = header;
      if (sources?.lookup(source0, source1, source2, source3) !== 1) continue;
      if (destinations?.lookup(destination0, destination1, destination2, destination3) === 1) times.push(timesMs[i]!);
    }
  }
  return times;
}

const ANY = ['0.0.0.0/0', '::/0'];

const tenantOf = (addresses: readonly string[]) => ({
  id: 'side',
  addresses,
  macs: [],
  plan: { portBps: null, guaranteed: false, threshold: null, limitBps: null },
});
