/** Reads a probe in tests: frames copied out of its blocks, and waits for its states. */
import assert from 'node:assert/strict';
import type { PacketProbe, ProbeState } from '../../probes/probe.ts';

export interface CapturedFrame {
  readonly bytes: Uint8Array;
  readonly wireLength: number;
  readonly timeMs: number;
  readonly segmentSize: number;
  readonly vlanTag: number;
  readonly flags: number;
}

/** Everything there is until nothing more comes; the default outlasts the time that a block waits to be full. */
export function readFrames(probe: PacketProbe, quietMs = 50): CapturedFrame[] {
  const frames: CapturedFrame[] = [];
  for (let block = probe.next(quietMs); block !== null; block = probe.next(quietMs)) {
    for (let i = 0; i < block.count; i++) {
      const start = block.offsets[i]!;
      frames.push({
        bytes: block.bytes.slice(start, start + block.capturedLengths[i]!),
        wireLength: block.wireLengths[i]!,
        timeMs: block.timesMs[i]!,
        segmentSize: block.segmentSizes[i]!,
        vlanTag: block.vlanTags[i]!,
        flags: block.flags[i]!,
      });
    }
    probe.release(block);
  }
  return frames;
}

/** Waits until the probe says so, at most five seconds; throws away what it captures meanwhile. */
export function waitForState(probe: PacketProbe, state: ProbeState): void {
  for (let waits = 0; waits < 100; waits++) {
    if (probe.statistics().state === state) return;
    const block = probe.next(50);
    if (block !== null) probe.release(block);
  }
  assert.equal(probe.statistics().state, state);
}
