/** What the child that captures is told, and what it ends with. */

/** One argument, as JSON. */
export interface ChildSettings {
  readonly interface: string;
  readonly filter: string;
  readonly bufferBytes: number;
  readonly snapLength: number;
  readonly signallingPorts: readonly number[];
  /** Of the process that started it: without that one it ends. */
  readonly parentPid: number;
}

/** Where it writes its batches. */
export const BATCH_FD = 3;

/** Its exit status when it could not begin; the last line on its standard error says why. */
export const CANNOT_START = 64;
