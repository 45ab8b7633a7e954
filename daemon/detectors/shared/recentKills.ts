/** How often something happened to a tenant in a fixed span of time; tenants to whom nothing happened cost nothing. */
import { z } from 'zod';
import type { Milliseconds } from '../../../probes/probe.ts';
import type { Json } from '../detector.ts';

/** Beyond it the earliest two become one, as late as the second: a count is never forgotten too early. */
const MAX_EVENTS = 32;

const saved = z.array(
  z.object({
    tenant: z.string(),
    events: z.array(z.object({ atMs: z.number(), count: z.number().positive() })).max(MAX_EVENTS),
  }),
);
type Event = z.output<typeof saved>[number]['events'][number];

export class RecentKills {
  readonly #spanMs: number;
  readonly #byTenant = new Map<string, readonly Event[]>();

  constructor(spanMs: number) {
    this.#spanMs = spanMs;
  }

  /** The number over the span up to `atMs`, with those that have just happened (NaN: not known). */
  observe(tenant: string, atMs: Milliseconds, count: number): number {
    if (!this.#byTenant.has(tenant) && !(count > 0)) return 0;
    const recent = this.#recent(tenant, atMs);
    const events = merged(count > 0 ? [...recent, { atMs, count }] : recent);
    if (events.length === 0) this.#byTenant.delete(tenant);
    else this.#byTenant.set(tenant, events);
    return sumOf(events);
  }

  /** The number over the span up to `atMs`, of what is known. */
  at(tenant: string, atMs: Milliseconds): number {
    return sumOf(this.#recent(tenant, atMs));
  }

  #recent(tenant: string, atMs: Milliseconds): readonly Event[] {
    const events = this.#byTenant.get(tenant) ?? [];
    return events.filter((event) => event.atMs > atMs - this.#spanMs && event.atMs <= atMs);
  }

  save(): Json {
    return [...this.#byTenant].map(([tenant, events]) => ({ tenant, events: events.map((event) => ({ ...event })) }));
  }

  restore(state: unknown, tenants: ReadonlySet<string>): void {
    for (const { tenant, events } of saved.safeParse(state).data ?? []) {
      if (tenants.has(tenant)) this.#byTenant.set(tenant, events);
    }
  }
}

const sumOf = (events: readonly Event[]): number => events.reduce((sum, { count }) => sum + count, 0);

function merged(events: readonly Event[]): readonly Event[] {
  const [first, second, ...others] = events;
  if (first === undefined || second === undefined || events.length <= MAX_EVENTS) return events;
  return [{ atMs: second.atMs, count: first.count + second.count }, ...others];
}
