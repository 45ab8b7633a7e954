/** The policy's memory as text and back, and what of it is told to the store. Text that is none is no memory. */
import { z } from 'zod';
import type { Milliseconds } from '../../probes/probe.ts';
import { parseJson } from '../parseJson.ts';
import type { StandingLimit } from './limit.ts';
import type { LimitStore, SavedLimit } from './limitStore.ts';
import { type Decision, NOTHING, type PolicyMemory } from './policy.ts';

/** The daemon of itself. */
const WEIR = 'weir';
/** How late a limit's end may be known to a new run, as long as its cause goes on. */
const REFRESH_MS = 10_000;

const savedMemory = z.object({
  limits: z.array(
    z.object({
      tenant: z.string(),
      rateBps: z.number(),
      sinceMs: z.number(),
      untilMs: z.number().nullable(),
      holdMs: z.number(),
      reason: z.string(),
      incident: z.string().nullable(),
      by: z.string().nullable(),
    }),
  ),
  histories: z.array(
    z.object({ tenant: z.string(), times: z.number(), endedMs: z.number(), graceUntilMs: z.number() }),
  ),
  setMs: z.array(z.number()),
  stoppedMs: z.number().nullable(),
});

export function parseMemory(text: string | null): PolicyMemory {
  return savedMemory.safeParse(parseJson(text ?? '')).data ?? NOTHING;
}

export class SavedPolicy {
  readonly #store: LimitStore;
  #saved: PolicyMemory = NOTHING;
  #savedMs: Milliseconds = 0;
  readonly #releasedBy = new Map<string, string>();

  constructor(store: LimitStore) {
    this.#store = store;
  }

  load(): PolicyMemory {
    this.#saved = parseMemory(this.#store.loadMemory());
    return this.#saved;
  }

  /** Says in whose name the limit of a tenant ends next. */
  released(tenant: string, by: string): void {
    this.#releasedBy.set(tenant, by);
  }

  /** Saves what is remembered where it has changed, and says how limits ended; `decisions` are those that came to it. */
  save(memory: PolicyMemory, decisions: readonly Decision[], nowMs: Milliseconds): void {
    if (isSame(memory, this.#saved) && Math.abs(nowMs - this.#savedMs) < REFRESH_MS) return;
    if (memory.limits.length + this.#saved.limits.length + memory.histories.length === 0) return;
    const reasons = new Map(decisions.map(({ tenant, reason }) => [tenant, reason]));
    const standing = new Set(memory.limits.map(identity));
    for (const limit of this.#saved.limits.filter((each) => !standing.has(identity(each)))) {
      const by = this.#releasedBy.get(limit.tenant);
      const reason = by === undefined ? (reasons.get(limit.tenant) ?? 'no longer wanted') : 'released by hand';
      this.#store.end(savedLimit(limit), { atMs: nowMs, reason, who: by ?? WEIR });
    }
    this.#releasedBy.clear();
    this.#store.save(memory.limits.map(savedLimit), nowMs);
    this.#store.saveMemory(JSON.stringify(memory), nowMs);
    this.#saved = memory;
    this.#savedMs = nowMs;
  }
}

/** But for the end of a limit, which is put off all the time while its cause goes on. */
function isSame(a: PolicyMemory, b: PolicyMemory): boolean {
  if (a.limits.length !== b.limits.length || a.histories.length !== b.histories.length) return false;
  if ((a.stoppedMs === null) !== (b.stoppedMs === null)) return false;
  const isSameLimit = (limit: StandingLimit, i: number): boolean => {
    const other = b.limits[i];
    if (limit === other || other === undefined) return limit === other;
    return identity(limit) === identity(other) && limit.rateBps === other.rateBps && limit.reason === other.reason;
  };
  return a.limits.every(isSameLimit);
}

const identity = ({ tenant, sinceMs }: StandingLimit): string => `${tenant} ${sinceMs}`;

const savedLimit = ({ tenant, rateBps, sinceMs, untilMs, reason, by }: StandingLimit): SavedLimit => ({
  tenant,
  direction: null,
  rateBps: Math.round(rateBps),
  sinceMs,
  untilMs: untilMs === null ? null : Math.round(untilMs),
  reason,
  who: by ?? WEIR,
});
