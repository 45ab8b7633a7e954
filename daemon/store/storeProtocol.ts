/** What the main thread and the store's thread tell each other. */
import type { Milliseconds } from '../../probes/probe.ts';
import type { SavedLimit } from '../enforcement/limitStore.ts';
import type { Batch } from './writer.ts';

export interface StoreInput {
  readonly path: string;
  readonly keepMs: Milliseconds;
  /** By tenant number - 1. */
  readonly tenantIds: readonly string[];
}

/** What the last run left. */
export interface Remembered {
  /** JSON as it was written, of those that were open; the one that was seen last first. */
  readonly open: readonly { readonly incident: string; readonly memory: string | null }[];
  /** JSON; the one that was seen last first. */
  readonly closed: readonly string[];
  readonly limits: readonly SavedLimit[];
  /** `state` is JSON. */
  readonly memories: readonly { readonly point: string; readonly detector: string; readonly state: string }[];
}

export interface FileSize {
  readonly bytes: number;
  /** Of the log that was not yet taken over into the file. */
  readonly walBytes: number;
}

/** `write`: opens the file first where it is not open; answered by one StoreAnswer each. */
export type StoreRequest =
  | { readonly kind: 'open'; readonly nowMs: Milliseconds }
  | { readonly kind: 'write'; readonly batch: Batch; readonly nowMs: Milliseconds }
  | { readonly kind: 'close' };

export type StoreAnswer =
  | {
      readonly kind: 'opened';
      readonly remembered: Remembered;
      readonly movedTo: string | null;
      readonly size: FileSize;
    }
  | { readonly kind: 'written'; readonly movedTo: string | null; readonly size: FileSize }
  | { readonly kind: 'closed' }
  /** Nothing of it was done; `isRefused`: nor will it be, however often it is tried. */
  | { readonly kind: 'failed'; readonly reason: string; readonly isRefused: boolean };
