/** One Alertmanager: which alerts it has still to be told, and the posting of them, in batches, with back-off. */
import type { BaseLogger } from 'pino';
import { type Alert, postableAlert, RESENDS_TO_LIVE } from './alert.ts';

const BATCH = 100;
/** Alerts remembered for one Alertmanager; above it closed ones give way, then new ones are dropped and counted. */
const MAX_ALERTS = 10_000;
/** A close that could not be told for this long is given up: by then the alert has ended by itself. Prometheus' resolvedRetention. */
const CLOSED_KEEP_MS = 15 * 60_000;
const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 30_000;
const LOG_EVERY_MS = 60_000;
const MAX_EXCERPT = 200;
/** The clock was set back when it goes back by more than this; what is due then would else wait for it to catch up. */
const CLOCK_SET_BACK_MS = 1_000;

export type AlertLog = Pick<BaseLogger, 'info' | 'warn'>;

export interface ReceiverOptions {
  /** Where it listens, with its path prefix; userinfo becomes basic authentication and is never shown. */
  readonly url: string;
  readonly resendMs: number;
  readonly timeoutMs: number;
  /** 0 … 1, for the jitter of the back-off. */
  readonly random: () => number;
  readonly log: AlertLog;
}

export interface AlertmanagerStatus {
  /** Without userinfo and query. */
  readonly url: string;
  /** Whether the last post was accepted; null: none was answered yet. */
  readonly ok: boolean | null;
  /** RFC 3339. */
  readonly lastSuccessAt: string | null;
  readonly lastError: string | null;
  /** Openings and closes that it has not accepted yet. */
  readonly pending: number;
  readonly alertsSent: number;
  readonly alertsDropped: number;
  readonly postsFailed: number;
}

interface Delivery {
  /** 0: at once. */
  dueMs: number;
  /** Its latest change, the opening or the close, was accepted. */
  told: boolean;
}

/** What was posted of an alert; it may have been closed since. */
interface Posted {
  readonly alert: Alert;
  readonly endedMs: number | null;
}

export class Receiver {
  readonly url: string;
  readonly #endpoint: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #options: ReceiverOptions;
  readonly #stop = new AbortController();
  readonly #deliveries = new Map<Alert, Delivery>();
  #nowMs = 0;
  #inFlight: Promise<void> | null = null;
  #ok: boolean | null = null;
  #retryAtMs = 0;
  /** An empty list is posted when nothing else was for a while: an Alertmanager that is away is known before the attack. */
  #heartbeatMs = 0;
  #failuresInARow = 0;
  #logAgainMs = 0;
  #lastSuccessMs: number | null = null;
  #lastError: string | null = null;
  #alertsSent = 0;
  #alertsDropped = 0;
  #postsFailed = 0;

  constructor(options: ReceiverOptions) {
    const url = new URL(options.url);
    const base = `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
    this.url = base;
    this.#endpoint = `${base}/api/v2/alerts`;
    this.#headers = { 'content-type': 'application/json', ...authorization(url) };
    this.#options = options;
  }

  /** Takes up an alert, once. */
  open(alert: Alert): void {
    if (!this.#deliveries.has(alert)) this.#take(alert);
  }

  /** Has the end of an alert told, also of one that it was never told of: it may know it from an earlier run. */
  close(alert: Alert): void {
    if (this.#deliveries.has(alert)) this.#deliveries.set(alert, { dueMs: 0, told: false });
    else this.#take(alert);
  }

  #take(alert: Alert): void {
    if (this.#deliveries.size >= MAX_ALERTS && !this.#forgetOldestClosed()) this.#alertsDropped += 1;
    else this.#deliveries.set(alert, { dueMs: 0, told: false });
  }

  /** Posts what is due, unless a post is under way or the back-off lasts. */
  pump(nowMs: number): void {
    if (nowMs < this.#nowMs - CLOCK_SET_BACK_MS) this.#forgetTimes();
    this.#nowMs = nowMs;
    if (this.#inFlight !== null || this.#stop.signal.aborted || nowMs < this.#retryAtMs) return;
    this.#giveUpOldCloses();
    const batch = this.#due();
    if (batch.length === 0 && nowMs < this.#heartbeatMs) return;
    this.#inFlight = this.#post(batch).finally(() => {
      this.#inFlight = null;
      this.pump(this.#nowMs);
    });
  }

  status(): AlertmanagerStatus {
    return {
      url: this.url,
      ok: this.#ok,
      lastSuccessAt: this.#lastSuccessMs === null ? null : new Date(this.#lastSuccessMs).toISOString(),
      lastError: this.#lastError,
      pending: [...this.#deliveries.values()].filter(({ told }) => !told).length,
      alertsSent: this.#alertsSent,
      alertsDropped: this.#alertsDropped,
      postsFailed: this.#postsFailed,
    };
  }

  /** Until no post is under way. */
  async settled(): Promise<void> {
    if (this.#inFlight === null) return;
    await this.#inFlight;
    await this.settled();
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('stopped'));
    await this.settled();
  }

  /** Changes first, in the order in which they came, then the re-sends. */
  #due(): Posted[] {
    return [...this.#deliveries]
      .filter(([, { dueMs }]) => dueMs <= this.#nowMs)
      .toSorted(([, a], [, b]) => a.dueMs - b.dueMs)
      .slice(0, BATCH)
      .map(([alert]) => ({ alert, endedMs: alert.endedMs }));
  }

  async #post(batch: readonly Posted[]): Promise<void> {
    const { resendMs, timeoutMs } = this.#options;
    this.#heartbeatMs = this.#nowMs + resendMs;
    try {
      const response = await fetch(this.#endpoint, {
        method: 'POST',
        headers: this.#headers,
        body: JSON.stringify(batch.map(({ alert }) => postableAlert(alert, this.#nowMs, resendMs))),
        redirect: 'manual',
        signal: AbortSignal.any([this.#stop.signal, AbortSignal.timeout(timeoutMs)]),
      });
      await this.#conclude(batch, response);
    } catch (error) {
      this.#away(reason(error, timeoutMs));
    }
  }

  async #conclude(batch: readonly Posted[], response: Response): Promise<void> {
    const answer = `HTTP ${response.status} ${await excerpt(response)}`.trimEnd();
    if (response.ok) this.#accepted(batch);
    // 400 is the verdict on an alert: the valid ones of the batch were taken, and to repeat it at once would change nothing.
    else if (response.status === 400) this.#refused(batch, answer);
    else this.#away(answer);
  }

  #accepted(batch: readonly Posted[]): void {
    for (const { alert, endedMs } of batch) if (alert.endedMs === endedMs) this.#told(alert, true);
    if (this.#ok === false) this.#options.log.info({ url: this.url }, 'Alertmanager accepts alerts again');
    this.#ok = true;
    this.#failuresInARow = 0;
    this.#lastSuccessMs = this.#nowMs;
    this.#alertsSent += batch.length;
  }

  #refused(batch: readonly Posted[], answer: string): void {
    for (const { alert, endedMs } of batch) if (alert.endedMs === endedMs) this.#told(alert, false);
    this.#failed(answer);
  }

  #told(alert: Alert, told: boolean): void {
    if (alert.endedMs !== null) this.#deliveries.delete(alert);
    else this.#deliveries.set(alert, { dueMs: this.#nowMs + this.#options.resendMs, told });
  }

  #away(answer: string): void {
    const backOffMs = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(this.#failuresInARow, 16));
    this.#failuresInARow += 1;
    this.#heartbeatMs = 0;
    this.#retryAtMs = this.#nowMs + backOffMs * (0.5 + this.#options.random() / 2);
    this.#failed(answer);
  }

  #failed(answer: string): void {
    this.#ok = false;
    this.#postsFailed += 1;
    this.#lastError = answer;
    if (this.#stop.signal.aborted || this.#nowMs < this.#logAgainMs) return;
    this.#logAgainMs = this.#nowMs + LOG_EVERY_MS;
    this.#options.log.warn({ url: this.url, pending: this.status().pending }, `Cannot post alerts: ${answer}`);
  }

  #forgetTimes(): void {
    this.#retryAtMs = 0;
    this.#heartbeatMs = 0;
    this.#logAgainMs = 0;
    for (const delivery of this.#deliveries.values()) delivery.dueMs = 0;
  }

  #giveUpOldCloses(): void {
    const keepMs = Math.max(CLOSED_KEEP_MS, RESENDS_TO_LIVE * this.#options.resendMs);
    for (const alert of this.#deliveries.keys())
      if (alert.endedMs !== null && this.#nowMs - alert.endedMs > keepMs) this.#deliveries.delete(alert);
  }

  #forgetOldestClosed(): boolean {
    const closed = [...this.#deliveries.keys()].find(({ endedMs }) => endedMs !== null);
    return closed !== undefined && this.#deliveries.delete(closed);
  }
}

/** fetch refuses a URL with userinfo, so it is sent as RFC 7617 says. */
function authorization({ username, password }: URL): Record<string, string> {
  if (username === '' && password === '') return {};
  const userinfo = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(userinfo).toString('base64')}` };
}

/** The beginning of an answer, in one line fit for a log and a terminal. The rest is not read: it may have no end. */
async function excerpt(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  const first = await reader?.read();
  await reader?.cancel();
  const text = Buffer.from(first?.value ?? []).toString('utf8', 0, MAX_EXCERPT);
  return text.replaceAll(/[^\x20-\x7e]+/g, ' ').trim();
}

/** Why a post did not get an answer; fetch hides it in `cause`. */
function reason(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `no answer within ${timeoutMs} ms`;
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message;
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.message;
}
