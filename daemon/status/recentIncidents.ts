/** The incidents that closed last, for the status page; older ones are forgotten. */
import type { Incident, IncidentChange } from '../incidents/incident.ts';

const KEPT = 100;

export class RecentIncidents {
  #closed: readonly Incident[] = [];

  observe({ event, incident }: IncidentChange): void {
    if (event === 'closed') this.#closed = [incident, ...this.#closed].slice(0, KEPT);
  }

  /** Takes up those of an earlier run, the last one first. */
  restore(closed: readonly Incident[]): void {
    this.#closed = closed.slice(0, KEPT);
  }

  /** The last one first. */
  get closed(): readonly Incident[] {
    return this.#closed;
  }
}
