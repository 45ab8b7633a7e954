/** What the main thread and a worker that meters tell each other. */
import type { CapOptions } from '../../probes/cap/capOptions.ts';
import type { RingOptions } from '../../probes/ring/ringOptions.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type { WindowShape } from './window.ts';

/** `control`: the stop flag, then one word a window: who has it. */
export const CONTROL_STOP = 0;
export const CONTROL_WINDOWS = 1;
export const WINDOW_FREE = 0;
export const WINDOW_METERED = 1;
export const WINDOW_HANDED_OVER = 2;

/** The windows that they share. */
export interface WindowMemory {
  readonly shape: WindowShape;
  readonly windows: readonly SharedArrayBuffer[];
  readonly control: SharedArrayBuffer;
}

/** What every worker's input has. */
export interface WorkerInput {
  readonly memory: WindowMemory;
}

/** What a capture worker opens, and how. */
export type ProbeInput = ({ readonly kind: 'ring' } & RingOptions) | ({ readonly kind: 'cap' } & CapOptions);

export interface CaptureInput {
  readonly probe: ProbeInput;
  readonly tenants: readonly Tenant[];
  /** The number of the tenant whose own port it is; 0: it faces the internet. */
  readonly portTenant: number;
  /** Of KeptFrames. */
  readonly kept: SharedArrayBuffer;
  readonly hashSeed: number;
}

/** Messages to the main thread. */
export type WorkerOutput<Statistics> =
  | { readonly kind: 'running' }
  | { readonly kind: 'window'; readonly index: number; readonly statistics: Statistics }
  | { readonly kind: 'statistics'; readonly statistics: Statistics }
  | { readonly kind: 'failed'; readonly message: string };
