/** Tells every Alertmanager of every open incident until it is closed, each at its own pace. Driven by `tick`; reads no clock. */
import type { Incident, IncidentChange } from '../incidents/incident.ts';
import type { Notice } from '../enforcement/notices.ts';
import { type Alert, alertAnnotations, openAlert, openNotice, type Teller } from './alert.ts';
import { type AlertLog, type AlertmanagerStatus, Receiver } from './receiver.ts';
import { stormNotice } from './storm.ts';

/** Incidents with an alert of their own: nobody reads more at night, and a pager that sends them all sends nothing else for an hour. */
const MAX_SINGLE = 100;

export interface AlertmanagerOptions {
  /** Every Alertmanager of a cluster, not a load balancer before it. */
  readonly urls: readonly string[];
  readonly teller: Teller;
  readonly log: AlertLog;
  /** How often an open alert is renewed; Prometheus' default is a minute. */
  readonly resendMs?: number;
  /** How long a post may take. */
  readonly timeoutMs?: number;
  readonly maxSingle?: number;
  readonly random?: () => number;
}

export class AlertmanagerNotifier {
  /** Open ones, by the incident's id. */
  readonly #alerts = new Map<string, Alert>();
  /** Open incidents beyond `maxSingle`, by id: one alert tells of all of them. */
  readonly #storm = new Map<string, Incident>();
  /** Those that hold, by their labels. */
  readonly #notices = new Map<string, Alert>();
  /** As last told by `notify`. */
  #holding: readonly Notice[] = [];
  #receivers: ReadonlyMap<string, Receiver>;
  readonly #options: Required<AlertmanagerOptions>;

  /** Throws TypeError for what is not a URL. Posts nothing before the first `tick` or `update`. */
  constructor(options: AlertmanagerOptions) {
    const { resendMs = 60_000, timeoutMs = 5_000, maxSingle = MAX_SINGLE, random = Math.random } = options;
    this.#options = { ...options, resendMs, timeoutMs, maxSingle, random };
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

  /** Takes up changes and posts them at once where no post is under way. */
  update(changes: readonly IncidentChange[], nowMs: number): void {
    const hadStorm = this.#storm.size > 0;
    for (const { event, incident } of changes)
      if (event === 'closed') this.#close(incident, nowMs);
      else this.#tell(incident);
    if (this.#alerts.size <= this.#options.maxSingle / 2) this.#calm();
    if (hadStorm || this.#storm.size > 0) this.#hold(nowMs);
    this.tick(nowMs);
  }

  /** All that holds now: one that is no longer among them is told to have ended. */
  notify(notices: readonly Notice[], nowMs: number): void {
    this.#holding = notices;
    this.#hold(nowMs);
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

  #tell(incident: Incident): void {
    const { id } = incident;
    const known = this.#alerts.get(id);
    if (known !== undefined) known.annotations = () => alertAnnotations(incident);
    else if (this.#storm.size > 0 || this.#alerts.size >= this.#options.maxSingle) this.#storm.set(id, incident);
    else this.#open(incident);
  }

  #open(incident: Incident): void {
    const alert = openAlert(incident, this.#options.teller);
    this.#alerts.set(incident.id, alert);
    for (const receiver of this.#receivers.values()) receiver.open(alert);
  }

  /** The end of one that an earlier run has told of is told too. */
  #close(incident: Incident, nowMs: number): void {
    const { id } = incident;
    if (this.#storm.delete(id)) return;
    const alert = this.#alerts.get(id) ?? openAlert(incident, this.#options.teller);
    alert.annotations = () => alertAnnotations(incident);
    alert.endedMs = nowMs;
    this.#alerts.delete(id);
    for (const receiver of this.#receivers.values()) receiver.close(alert);
  }

  /** Those of a storm get alerts of their own once half of the room is free: not one by one, as others close. */
  #calm(): void {
    for (const incident of this.#storm.values()) {
      if (this.#alerts.size >= this.#options.maxSingle) return;
      this.#storm.delete(incident.id);
      this.#open(incident);
    }
  }

  #hold(nowMs: number): void {
    const storm = stormNotice([...this.#storm.values()], this.#alerts.size);
    const holding = new Set<string>();
    for (const notice of storm === null ? this.#holding : [...this.#holding, storm]) {
      const key = Object.values(notice.labels).join(' ');
      const opened = openNotice(notice, this.#options.teller);
      const alert = this.#notices.get(key) ?? opened;
      alert.annotations = opened.annotations;
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
  }
}
