/**
 * What happens, to whoever listens (server-sent events, https://html.spec.whatwg.org/multipage/server-sent-events.html): `status`
 * once a second, and every change of an incident. Listeners are bounded; one that does not read is cut, and comes again.
 */
import type { ServerResponse } from 'node:http';
import type { Milliseconds } from '../../probes/probe.ts';
import type { Incident, IncidentChange } from '../incidents/incident.ts';
import type { Overview } from './answers.ts';

const EVERY_MS = 1000;
const MAX_LISTENERS = 32;
/** Of what a listener has not read yet, beside what the kernel keeps for it. */
const MAX_UNREAD_BYTES = 2 ** 18;
/** How soon a browser comes again, in milliseconds. */
const RETRY_MS = 2000;
/** Of open incidents, that have new values: more of them are told a second later. */
const MAX_REFRESHED = 100;

export interface EventStreamOptions {
  readonly overview: () => Overview;
  readonly everyMs?: Milliseconds;
  readonly maxListeners?: number;
}

export class EventStream {
  readonly #options: EventStreamOptions;
  readonly #listeners = new Set<ServerResponse>();
  readonly #refreshed = new Map<string, Incident>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: EventStreamOptions) {
    this.#options = options;
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  get isFull(): boolean {
    return this.listeners >= (this.#options.maxListeners ?? MAX_LISTENERS);
  }

  /** `response` has its headers, and stays open. */
  attach(response: ServerResponse): void {
    this.#listeners.add(response);
    response.on('close', () => this.#detach(response));
    this.#write(response, `retry: ${RETRY_MS}\n\n${this.#status()}`);
    this.#timer ??= setInterval(() => this.#tick(), this.#options.everyMs ?? EVERY_MS);
  }

  observe({ event, incident }: IncidentChange): void {
    if (this.#listeners.size === 0) return;
    if (event === 'refreshed') {
      this.#refreshed.set(incident.id, incident);
      return;
    }
    this.#refreshed.delete(incident.id);
    this.#tell(eventText('incident', { event, incident }));
  }

  #tick(): void {
    const refreshed = [...this.#refreshed.values()].slice(0, MAX_REFRESHED);
    for (const { id } of refreshed) this.#refreshed.delete(id);
    this.#tell(
      [this.#status(), ...refreshed.map((incident) => eventText('incident', { event: 'refreshed', incident }))].join(
        '',
      ),
    );
  }

  #status(): string {
    return eventText('status', this.#options.overview());
  }

  #tell(events: string): void {
    for (const listener of this.#listeners) this.#write(listener, events);
  }

  #write(listener: ServerResponse, events: string): void {
    if (listener.writableLength > MAX_UNREAD_BYTES) listener.destroy();
    else listener.write(events);
  }

  #detach(response: ServerResponse): void {
    this.#listeners.delete(response);
    if (this.#listeners.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#refreshed.clear();
  }
}

/** JSON has no line ends of its own. */
const eventText = (event: string, data: unknown): string => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
