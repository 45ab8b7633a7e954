/** What the main thread and a capture worker tell each other. */
import type { ProbeStatistics } from '../../probes/probe.ts';
import type { RingOptions } from '../../probes/ring/ringOptions.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type { WindowShape } from './window.ts';

/** `control`: the stop flag, then one word a window: who has it. */
export const CONTROL_STOP = 0;
export const CONTROL_WINDOWS = 1;
export const WINDOW_FREE = 0;
export const WINDOW_METERED = 1;
export const WINDOW_HANDED_OVER = 2;

export interface WorkerInput {
  readonly ring: RingOptions;
  readonly tenants: readonly Tenant[];
  readonly shape: WindowShape;
  readonly hashSeed: number;
  readonly windows: readonly SharedArrayBuffer[];
  readonly control: SharedArrayBuffer;
}

/** Messages to the main thread. */
export type WorkerOutput =
  | { readonly kind: 'capturing' }
  | { readonly kind: 'window'; readonly index: number; readonly statistics: ProbeStatistics }
  | { readonly kind: 'failed'; readonly message: string };
