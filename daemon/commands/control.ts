/** `weir limit`, `weir release`, `weir limits`: what they ask of the running daemon through its control socket. */
import { request, type RequestOptions } from 'node:http';
import { text } from 'node:stream/consumers';
import { parseDuration, parseRate } from '../config/units.ts';
import { messageOf } from '../messageOf.ts';
import { renderLimits } from '../status/renderLimits.ts';
import type { Page } from '../status/answers.ts';
import type { LimitStatus } from '../status/snapshot.ts';
import { allPages } from './pages.ts';
import { fail, loadOr, print } from './terminal.ts';

/** A tool of the daemon's may take ten seconds. */
const TIMEOUT_MS = 30_000;

export interface ControlOptions {
  readonly config?: string;
  readonly json?: boolean;
}

export interface LimitOptions extends ControlOptions {
  readonly for?: string;
  readonly reason?: string;
}

/** 0: the kernel holds it; 1: it does not, and why has been printed. */
export async function limit(tenant: string, rate: string, options: LimitOptions): Promise<number> {
  const rateBps = parseRate(rate);
  if (rateBps === null) return fail(`Cannot limit ${tenant}: ${rate} is no rate with its unit such as 5mbit`);
  const forMs = options.for === undefined ? null : parseDuration(options.for);
  if (options.for !== undefined && forMs === null)
    return fail(`Cannot limit ${tenant}: ${options.for} is no duration with its unit such as 15m`);
  const body = { rateBps, forMs, reason: options.reason ?? null };
  const set = await ask('PUT', pathOf(tenant), options, body);
  if (set === null) return 1;
  const status: LimitStatus = JSON.parse(set);
  show(set, [status], options);
  return status.state === 'inForce' ? 0 : fail(`Cannot limit ${tenant}: ${status.reason}`);
}

/** 0: it was lifted. */
export async function release(tenant: string, options: ControlOptions): Promise<number> {
  const lifted = await ask('DELETE', pathOf(tenant), options);
  if (lifted === null) return 1;
  print(options.json ? lifted.trimEnd() : `${tenant} is limited no longer`);
  return 0;
}

/** 0: shown. */
export async function limits(options: ControlOptions): Promise<number> {
  const all = await allPages(async (query) => {
    const answer = await ask('GET', `/api/limits?${query}`, options);
    if (answer === null) return null;
    const page: Page<LimitStatus> = JSON.parse(answer);
    return page;
  });
  if (all === null) return 1;
  show(JSON.stringify(all.items), all.items, options);
  return 0;
}

const pathOf = (tenant: string): string => `/api/limits/${encodeURIComponent(tenant)}`;

function show(json: string, all: readonly LimitStatus[], options: ControlOptions): void {
  print(options.json ? json.trimEnd() : renderLimits(all, new Date().toISOString()));
}

/** The answer's body; null: there is none, and why has been printed. */
async function ask(
  method: string,
  path: string,
  { config: file }: ControlOptions,
  body?: object,
): Promise<string | null> {
  const config = await loadOr(file);
  if (config === null) return null;
  const { socket } = config.status;
  try {
    const { status, answer } = await exchange({ socketPath: socket, method, path, timeout: TIMEOUT_MS }, body);
    if (status === 200) return answer;
    const { error = `answered ${status}` }: { error?: string } = JSON.parse(answer);
    fail(error);
  } catch (error) {
    fail(`Cannot ask the daemon at ${socket}: ${explain(error)}`);
  }
  return null;
}

async function exchange(options: RequestOptions, body?: object) {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; answer: string }>();
  const asking = request(options, (response) => {
    text(response).then((answer) => resolve({ status: response.statusCode ?? 0, answer }), reject);
  });
  asking.on('error', reject);
  asking.on('timeout', () => asking.destroy(new Error('no answer')));
  asking.end(body === undefined ? undefined : JSON.stringify(body));
  return promise;
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such socket (is the daemon running?)',
  ECONNREFUSED: 'nobody answers (is the daemon running?)',
  EACCES: 'not permitted (it takes root, or the group weir)',
};

function explain(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return REASONS[code] ?? messageOf(error);
}
