/** What can be changed through the control socket: one line a path, with what each method does. Pure but for its controls. */
import { z } from 'zod';
import type { Order } from '../enforcement/enforcer.ts';
import { jsonReply, type Reply } from './reply.ts';
import type { LimitStatus } from './snapshot.ts';

/** What was done: the limit as it is then; or why not. */
export type Outcome = { readonly limit: LimitStatus | null } | { readonly refused: string };

export interface Controls {
  readonly limit: (order: Order) => Promise<Outcome>;
  readonly release: (tenant: string, by: string) => Promise<Outcome>;
}

export interface Change {
  /** The last part of the path. */
  readonly id: string;
  /** JSON; null: none came. */
  readonly body: unknown;
  readonly who: string;
}

export type ChangeRoute = (change: Change, controls: Controls) => Promise<Reply>;
type Methods = Readonly<Record<string, ChangeRoute>>;

/** By the path before its last part. */
const ROUTES: ReadonlyMap<string, Methods> = new Map([['/api/limits', { PUT: putLimit, DELETE: deleteLimit }]]);

/** What can be done at a target as in the request line, a query ignored; null: nothing. */
export function changes(target: string): { readonly id: string; readonly methods: Methods } | null {
  const path = target.split('?', 1)[0] ?? '';
  const slash = path.lastIndexOf('/');
  const methods = ROUTES.get(path.slice(0, slash));
  const id = decoded(path.slice(slash + 1));
  return methods === undefined || id === null ? null : { id, methods };
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

const MAX_REASON = 200;
const MAX_RATE_BPS = 10e12;
const YEAR_MS = 366 * 86_400_000;

const orderBody = z.strictObject({
  rateBps: z.number().int().positive().max(MAX_RATE_BPS),
  forMs: z.number().int().positive().max(YEAR_MS).nullish(),
  // One line, in a log and in a terminal.
  reason: z
    .string()
    .max(MAX_REASON)
    .transform((text) => text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim())
    .nullish(),
});

async function putLimit({ id: tenant, body, who: by }: Change, controls: Controls): Promise<Reply> {
  const { data, error } = orderBody.safeParse(body);
  if (data === undefined) return jsonReply(400, { error: z.prettifyError(error) });
  const { rateBps, forMs, reason } = data;
  return replyOf(await controls.limit({ tenant, rateBps, forMs: forMs ?? null, reason: reason || 'by hand', by }));
}

async function deleteLimit({ id, who }: Change, controls: Controls): Promise<Reply> {
  return replyOf(await controls.release(id, who));
}

const replyOf = (outcome: Outcome): Reply =>
  'refused' in outcome ? jsonReply(409, { error: outcome.refused }) : jsonReply(200, outcome.limit);
