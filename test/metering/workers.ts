/** Windows as two workers make them, and their sum. */
import { mergeWindow } from '../../daemon/metering/mergeWindow.ts';
import { Meter } from '../../daemon/metering/meter.ts';
import { Window, type WindowShape } from '../../daemon/metering/window.ts';
import { blockOf, type TimedFrame } from '../support/frames.ts';
import { testContext } from '../support/windowBuilder.ts';

export const SEED = 0x5eed;
const { directory, tenants } = testContext();
const SHAPE: WindowShape = { tenants: tenants.length, targetBits: 8, sourceBits: 8, details: 16, pairBits: 6 };

export function metered(frames: readonly TimedFrame[], dropped: number | null = 0, shape = SHAPE): Window {
  const window = new Window(shape);
  const meter = new Meter(directory, window, { seed: SEED });
  meter.open(window, 1000);
  const block = blockOf(frames);
  meter.observeFrames(block, 0, block.count);
  return meter.closeWindow(1250, frames.length, dropped);
}

export const copyOf = (window: Window): Window => new Window(window.shape, window.memory.slice(0));

/** The sum; both are left as they are. */
export function merged(first: Window, ...others: readonly Window[]): Window {
  const sum = copyOf(first);
  for (const other of others) mergeWindow(sum, other, SEED);
  return sum;
}
