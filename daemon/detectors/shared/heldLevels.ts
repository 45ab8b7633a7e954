/** The held levels of those few tenants that have come near a threshold of late; the others cost nothing. */
import { z } from 'zod';
import type { Milliseconds } from '../../../probes/probe.ts';
import type { Window } from '../../metering/window.ts';
import type { Json } from '../detector.ts';
import { HeldLevel, savedHeldLevel } from './heldLevel.ts';

export class HeldLevels {
  readonly #spanMs: number;
  readonly #byTenant = new Map<string, HeldLevel>();

  constructor(spanMs: number) {
    this.#spanMs = spanMs;
  }

  /** The level that a tenant holds, given its value in this window (NaN: not known); 0: below `least`, which is all that counts. */
  observe(tenant: string, { startMs, endMs }: Window, value: number, least: number): number {
    const known = this.#byTenant.get(tenant);
    if (known === undefined && !(value >= least)) return 0;
    const level = known ?? new HeldLevel(this.#spanMs, startMs);
    level.add(startMs, endMs, value);
    if (level.isBelow(least)) this.#byTenant.delete(tenant);
    else this.#byTenant.set(tenant, level);
    const held = level.at(endMs);
    return held >= least ? held : 0;
  }

  /** The level that a tenant holds; null: it has not been near of late. */
  at(tenant: string, endMs: Milliseconds): number | null {
    return this.#byTenant.get(tenant)?.at(endMs) ?? null;
  }

  save(): Json {
    return [...this.#byTenant].map(([tenant, level]) => ({ tenant, ...level.save() }));
  }

  /** Of the tenants that there are. */
  restore(state: unknown, tenants: ReadonlySet<string>): void {
    for (const saved of savedLevels.safeParse(state).data ?? []) {
      if (!tenants.has(saved.tenant)) continue;
      const level = new HeldLevel(this.#spanMs, saved.sinceMs);
      level.restore(saved);
      this.#byTenant.set(saved.tenant, level);
    }
  }
}

const savedLevels = z.array(savedHeldLevel.extend({ tenant: z.string() }));
