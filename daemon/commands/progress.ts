/** The line on a terminal that tells how far a capture has been read. */
import type { Position } from '../../probes/pcap/pcapProbe.ts';
import { formatQuantity } from '../incidents/format.ts';

const REDRAW_MS = 100;
/** Before that a speed says nothing of what is still to come. */
const FORECAST_AFTER_MS = 500;
const LONGEST_BAR = 40;
/** Of a terminal that does not tell, or says 0. */
const USUAL_COLUMNS = 80;
/** ECMA-48: to the first column, and erase to the end of the line. */
const CLEAR_LINE = '\r\u001b[K';

interface Terminal {
  readonly columns?: number;
  write(text: string): unknown;
}

export class Progress {
  readonly #terminal: Terminal;
  readonly #now: () => number;
  readonly #startMs: number;
  #drawnMs = Number.NEGATIVE_INFINITY;

  /** `now` in milliseconds, of any origin. */
  constructor(terminal: Terminal, now: () => number) {
    this.#terminal = terminal;
    this.#now = now;
    this.#startMs = now();
  }

  /** Draws ten times a second at most, however often it is called. */
  show(packets: number, position: Position): void {
    const nowMs = this.#now();
    if (nowMs - this.#drawnMs < REDRAW_MS) return;
    this.#drawnMs = nowMs;
    const columns = this.#terminal.columns || USUAL_COLUMNS;
    this.#terminal.write(CLEAR_LINE + renderProgress(packets, position, nowMs - this.#startMs, columns));
  }

  /** Leaves the line empty, for something else or for good. */
  clear(): void {
    if (this.#drawnMs !== Number.NEGATIVE_INFINITY) this.#terminal.write(CLEAR_LINE);
    this.#drawnMs = Number.NEGATIVE_INFINITY;
  }
}

/** Fits into the columns: `37 % [#######.............] 1.48 M packets, 214 MB/s, 0:02 left`; of a pipe without what nobody knows. */
export function renderProgress(
  packets: number,
  { readBytes, totalBytes }: Position,
  elapsedMs: number,
  columns: number,
): string {
  const bytesPerMs = elapsedMs > 0 ? readBytes / elapsedMs : 0;
  const counts = `${formatQuantity(packets, '')} packets, ${formatQuantity(bytesPerMs * 1000, 'B/s')}`;
  // A file that is still being written grows beyond what it was at the start; those of /proc say 0.
  if (totalBytes === null || totalBytes === 0 || readBytes > totalBytes) return counts.slice(0, columns - 1);
  const share = readBytes / totalBytes;
  const left = elapsedMs < FORECAST_AFTER_MS ? '' : `, ${formatClock((totalBytes - readBytes) / bytesPerMs)} left`;
  const percent = `${Math.floor(share * 100)}`.padStart(3);
  const cells = Math.min(LONGEST_BAR, columns - `${percent} % [] ${counts}${left}`.length - 1);
  const bar = cells < 1 ? '' : `[${'#'.repeat(Math.floor(share * cells)).padEnd(cells, '.')}] `;
  return `${percent} % ${bar}${counts}${left}`.slice(0, columns - 1);
}

/** `0:07`, `12:34`, `1:02:03`. */
function formatClock(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const parts = hours > 0 ? [hours, `${minutes}`.padStart(2, '0')] : [minutes];
  return [...parts, `${seconds % 60}`.padStart(2, '0')].join(':');
}
