/** `weir top`: the running daemon's tenants live in the terminal, sorted by a key; or one screen for scripts. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Config } from '../config/config.ts';
import { renderTop, TOP_SORTS, type TopSort } from '../status/renderTop.ts';
import type { StatusSnapshot } from '../status/snapshot.ts';
import { askFor, askStatus, type AskOptions } from './askStatus.ts';
import { fail, loadOr, printable } from './terminal.ts';

export interface TopOptions extends AskOptions {
  readonly sort: TopSort;
  readonly once?: boolean;
  /** In seconds. */
  readonly every: string;
}

/** ECMA-48; the alternate screen leaves what was in the terminal as it was. */
const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const CLEAR_LINE = '\x1b[K';
const CLEAR_REST = '\x1b[J';
const CTRL_C = '\x03';

/** The first letter of each. */
const KEYS: ReadonlyMap<string, TopSort> = new Map(TOP_SORTS.map((sort) => [sort.charAt(0), sort]));
const HELP = `sorted by: ${TOP_SORTS.map((sort) => `(${sort.charAt(0)})${sort.slice(1)}`).join(' ')}; (q)uit`;

/** 0: shown, until q or Ctrl-C; 1: no daemon answers there. */
export async function top(options: TopOptions): Promise<number> {
  const { sort, once = false, json = false } = options;
  const seconds = Number(options.every);
  if (!(seconds >= 1 && seconds <= 3600))
    return fail(`Cannot show every ${options.every} s: --every must be from 1 to 3600`);
  if (once || json || !process.stdout.isTTY)
    return askStatus('/api/status', options, (text) => {
      const snapshot: StatusSnapshot = JSON.parse(text);
      return renderTop(snapshot, { sort, rows: null }).join('\n');
    });
  const config = await loadOr(options.config);
  if (config === null) return 1;
  const screen = new LiveScreen(sort);
  try {
    await screen.run(config, seconds * 1000);
  } finally {
    screen.close();
  }
  return screen.isQuit ? 0 : fail('The daemon answers no longer');
}

class LiveScreen {
  readonly #quit = new AbortController();
  #sort: TopSort;
  #snapshot: StatusSnapshot | null = null;
  readonly #onKey = (bytes: Buffer): void => this.#press(bytes.toString());
  readonly #draw = (): void => this.#write();

  constructor(sort: TopSort) {
    this.#sort = sort;
    process.stdout.write(ENTER);
    if (process.stdin.isTTY) process.stdin.setRawMode(true);
    process.stdin.on('data', this.#onKey);
    process.stdout.on('resize', this.#draw);
  }

  get isQuit(): boolean {
    return this.#quit.signal.aborted;
  }

  /** Until somebody quits, or the daemon gives no answer. */
  async run(config: Config, everyMs: number): Promise<void> {
    while (!this.isQuit) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other is what is wanted
      this.#snapshot = await askFor<StatusSnapshot>(config, '/api/status');
      if (this.#snapshot === null) return;
      this.#write();
      // oxlint-disable-next-line no-await-in-loop -- as above
      await pause(everyMs, undefined, { signal: this.#quit.signal }).catch(() => {});
    }
  }

  close(): void {
    process.stdin.off('data', this.#onKey);
    process.stdout.off('resize', this.#draw);
    if (process.stdin.isTTY) process.stdin.setRawMode(false);
    process.stdin.pause();
    process.stdout.write(LEAVE);
  }

  #press(key: string): void {
    if (key === 'q' || key === CTRL_C) this.#quit.abort();
    this.#sort = KEYS.get(key) ?? this.#sort;
    this.#write();
  }

  #write(): void {
    if (this.#snapshot === null) return;
    // Of a terminal that does not say, 0.
    const rows = process.stdout.rows || 24;
    const columns = process.stdout.columns || 80;
    const lines = [...renderTop(this.#snapshot, { sort: this.#sort, rows: rows - 1 }).slice(0, rows - 1), HELP];
    const cut = lines.map((line) => printable(line).slice(0, columns).toWellFormed() + CLEAR_LINE);
    process.stdout.write(`${HOME}${cut.join('\r\n')}${CLEAR_REST}`);
  }
}
