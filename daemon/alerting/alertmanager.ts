/** Tells every Alertmanager of every open incident until it is closed, each at its own pace. Driven by `tick`; reads no clock. */
import type { IncidentChange } from '../incidents/incident.ts';
import type { Notice } from '../enforcement/notices.ts';
import { type Alert, alertAnnotations, openAlert, openNotice } from './alert.ts';
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
  /** Those that hold, by their labels. */
  readonly #notices = new Map<string, Alert>();
  #receivers: ReadonlyMap<string, Receiver>;
  readonly #options: Required<AlertmanagerOptions>;
  readonly #host: string;

  /** Throws TypeError for what is not a URL. Posts nothing before the first `tick` or `update`. */
  constructor(options: AlertmanagerOptions) {
    const { host, resendMs = 60_000, timeoutMs = 5_000, random = Math.random } = options;
    this.#host = host;
    this.#options = { ...options, resendMs, timeoutMs, random };
    this.#receivers = this.#receiversOf(options.urls, resendMs);
  }

  #receiversOf(urls: readonly string[], resendMs: number): Map<string, Receiver> {
    return new Map(urls.map((url) => [`${resendMs} ${url}`, new Receiver({ ...this.#options, url, resendMs })]));
  }

  /** Takes up other Alertmanagers: one that is new is told of all that holds, one that stays is not told again. */
  reconfigure(urls: readonly string[], resendMs: number): void {
    const before = this.#receivers;
    const receivers = this.#receiversOf(urls, resendMs);
    for (const [key, receiver] of receivers) {
      const old = before.get(key);
      if (old !== undefined) receivers.set(key, old);
      else for (const alert of [...this.#alerts.values(), ...this.#notices.values()]) receiver.open(alert);
    }
    this.#receivers = receivers;
    for (const [key, receiver] of before) if (!receivers.has(key)) void receiver.stop();
  }

  /** Takes up changes and posts them at once where no post is under way. An incident is known from its first change that is not its close. */
  update(changes: readonly IncidentChange[], nowMs: number): void {
    for (const { event, incident } of changes) {
      const alert = this.#alerts.get(incident.id) ?? openAlert(incident, this.#host);
      alert.annotations = () => alertAnnotations(incident);
      if (event === 'closed') this.#close(incident.id, alert, nowMs);
      else this.#open(incident.id, alert);
    }
    this.tick(nowMs);
  }

  /** All that holds now: one that is no longer among them is told to have ended. */
  notify(notices: readonly Notice[], nowMs: number): void {
    const holding = new Set<string>();
    for (const notice of notices) {
      const key = Object.values(notice.labels).join(' ');
      const alert = this.#notices.get(key) ?? openNotice(notice, this.#host);
      alert.annotations = openNotice(notice, this.#host).annotations;
      holding.add(key);
      if (!this.#notices.has(key)) for (const receiver of this.#receivers.values()) receiver.open(alert);
      this.#notices.set(key, alert);
    }
    for (const [key, alert] of this.#notices) {
      if (holding.has(key)) continue;
      alert.endedMs = nowMs;
      this.#notices.delete(key);
      for (const receiver of this.#receivers.values()) receiver.close(alert);
    }
    this.tick(nowMs);
  }

  /** Re-sends and retries what is due; to be called several times a second, whether or not there is traffic. */
  tick(nowMs: number): void {
    for (const receiver of this.#receivers.values()) receiver.pump(nowMs);
  }

  statuses(): AlertmanagerStatus[] {
    return [...this.#receivers.values()].map((receiver) => receiver.status());
  }

  /** Until no post is under way. */
  async settled(): Promise<void> {
    await Promise.all([...this.#receivers.values()].map((receiver) => receiver.settled()));
  }

  /** Ends the posts that are under way and posts nothing more; alerts still open end by themselves after four re-sends. */
  async stop(): Promise<void> {
    await Promise.all([...this.#receivers.values()].map((receiver) => receiver.stop()));
  }

  #open(id: string, alert: Alert): void {
    this.#alerts.set(id, alert);
    for (const receiver of this.#receivers.values()) receiver.open(alert);
  }

  #close(id: string, alert: Alert, nowMs: number): void {
    alert.endedMs = nowMs;
    this.#alerts.delete(id);
    for (const receiver of this.#receivers.values()) receiver.close(alert);
  }
}
