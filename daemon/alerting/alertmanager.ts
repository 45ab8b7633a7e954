/** Tells every Alertmanager of every open incident until it is closed, each at its own pace. Driven by `tick`; reads no clock. */
import type { IncidentChange } from '../incidents/incident.ts';
import { type Alert, openAlert } from './alert.ts';
import { type AlertLog, type AlertmanagerStatus, Receiver } from './receiver.ts';

export interface AlertmanagerOptions {
  /** Every Alertmanager of a cluster, not a load balancer before it. */
  readonly urls: readonly string[];
  /** The host's name, a label of every alert. */
  readonly host: string;
  readonly log: AlertLog;
  /** How often an open alert is renewed; Prometheus' default is a minute. */
  readonly resendMs?: number;
  /** How long a post may take. */
  readonly timeoutMs?: number;
  readonly random?: () => number;
}

export class AlertmanagerNotifier {
  /** Open ones, by the incident's id. */
  readonly #alerts = new Map<string, Alert>();
  readonly #receivers: readonly Receiver[];
  readonly #host: string;

  /** Throws TypeError for what is not a URL. Posts nothing before the first `tick` or `update`. */
  constructor(options: AlertmanagerOptions) {
    const { urls, host, log, resendMs = 60_000, timeoutMs = 5_000, random = Math.random } = options;
    this.#host = host;
    this.#receivers = urls.map((url) => new Receiver({ url, log, resendMs, timeoutMs, random }));
  }

  /** Takes up changes and posts them at once where no post is under way. An incident is known from its first change that is not its close. */
  update(changes: readonly IncidentChange[], nowMs: number): void {
    for (const { event, incident } of changes) {
      const alert = this.#alerts.get(incident.id) ?? openAlert(incident, this.#host);
      alert.incident = incident;
      if (event === 'closed') this.#close(alert, nowMs);
      else this.#open(alert);
    }
    this.tick(nowMs);
  }

  /** Re-sends and retries what is due; to be called several times a second, whether or not there is traffic. */
  tick(nowMs: number): void {
    for (const receiver of this.#receivers) receiver.pump(nowMs);
  }

  statuses(): AlertmanagerStatus[] {
    return this.#receivers.map((receiver) => receiver.status());
  }

  /** Until no post is under way. */
  async settled(): Promise<void> {
    await Promise.all(this.#receivers.map((receiver) => receiver.settled()));
  }

  /** Ends the posts that are under way and posts nothing more; alerts still open end by themselves after four re-sends. */
  async stop(): Promise<void> {
    await Promise.all(this.#receivers.map((receiver) => receiver.stop()));
  }

  #open(alert: Alert): void {
    this.#alerts.set(alert.incident.id, alert);
    for (const receiver of this.#receivers) receiver.open(alert);
  }

  #close(alert: Alert, nowMs: number): void {
    alert.endedMs = nowMs;
    this.#alerts.delete(alert.incident.id);
    for (const receiver of this.#receivers) receiver.close(alert);
  }
}
