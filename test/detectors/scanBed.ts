/** What the tests of scans have in common: contacts by packet time, and what is told of them. */
import type { DetectorContext } from '../../daemon/detectors/detector.ts';
import { hostSweep } from '../../daemon/detectors/hostSweep.ts';
import { portScan } from '../../daemon/detectors/portScan.ts';
import type { Incident } from '../../daemon/incidents/incident.ts';
import { Incidents } from '../../daemon/incidents/incidents.ts';
import { type Direction, Window, WINDOW_MS } from '../../daemon/metering/window.ts';
import type { Sighting } from '../../daemon/metering/pairTable.ts';
import { addSightings, type SightingSpec } from '../support/sightings.ts';
import { trafficEvidence } from '../support/trafficEvidence.ts';
import { testContext } from '../support/windowBuilder.ts';

/** Nobody who has not answered by then does. */
const PATIENCE_MS = 3500;
/** Windows without anything are further apart than they are in truth. */
const IDLE_MS = 10_000;
const START_MS = Date.UTC(2026, 0, 5);

export class ScanBed {
  readonly context: DetectorContext;
  readonly incidents = new Incidents({ closeAfterMs: 30_000, maxOpen: 1000 });
  readonly #opened: Incident[] = [];
  readonly #window: Window;
  readonly #onlySees: Direction | null;
  #detectors;
  #nextMs = 0;

  constructor(context = testContext(), onlySees: Direction | null = null) {
    this.context = context;
    this.#onlySees = onlySees;
    this.#window = new Window({
      tenants: context.tenants.length,
      targetBits: 4,
      sourceBits: 4,
      details: 4,
      pairBits: 12,
    });
    this.#detectors = this.#create();
  }

  #create() {
    return [portScan, hostSweep].map((each) => each.create(each.config.parse({}), this.context));
  }

  /** A window, after those in which nothing happens. */
  see(afterMs: number, contacts: readonly SightingSpec[]): this {
    for (; this.#nextMs < afterMs; this.#nextMs += IDLE_MS) this.#observe(this.#nextMs, []);
    this.#nextMs = afterMs + IDLE_MS;
    return this.#observe(afterMs, contacts);
  }

  #observe(afterMs: number, contacts: readonly SightingSpec[]): this {
    const window = this.#window;
    window.open(START_MS + afterMs);
    addSightings(window, this.context, contacts);
    window.close(START_MS + afterMs + WINDOW_MS, contacts.length, 0);
    window.suspectOneWay(this.#onlySees);
    const findings = this.#detectors.flatMap((detector) => detector.observe(window));
    const changes = this.incidents.observe('eth0', window.endMs, WINDOW_MS, findings);
    this.#opened.push(...changes.flatMap(({ event, incident }) => (event === 'opened' ? [incident] : [])));
    return this;
  }

  /** So long after a contact that silence has spoken. */
  wait(afterMs: number): this {
    return this.see(afterMs + PATIENCE_MS, []);
  }

  restart(): this {
    const saved = this.#detectors.map((detector) => JSON.stringify(detector.save()));
    this.#detectors = this.#create();
    for (const [i, detector] of this.#detectors.entries()) detector.restore(JSON.parse(saved[i] ?? 'null'));
    return this;
  }

  /** `portScan syn inbound 203.0.113.1 > 198.51.100.9` of each incident, in the order in which they were opened. */
  get told(): string[] {
    return this.#opened.map((incident) => {
      const { detector, direction, offender, victim } = incident;
      return `${detector} ${trafficEvidence(incident).type} ${direction} ${offender ?? 'many'} > ${victim ?? 'many'}`;
    });
  }
}

type Contact = Omit<SightingSpec, 'sighting'> & { readonly sighting?: Sighting };

/** As raw tools write it: a SYN without options. */
export const contact = (spec: Contact): SightingSpec => ({ sighting: 'syn', bytes: 58, mac: 1, ...spec });
export const answered = (spec: Contact): SightingSpec[] => [contact(spec), outcome('answered', spec)];
export const refused = (spec: Contact): SightingSpec[] => [contact(spec), outcome('refused', spec)];
export const outcome = (sighting: Sighting, spec: Contact): SightingSpec => ({
  ...contact(spec),
  sighting,
  of: spec.sighting ?? 'syn',
});

export const range = <T>(count: number, make: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));
