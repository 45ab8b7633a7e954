/** What a person is to be told of limits by an alert, as long as it holds. Pure. */
import { formatRate } from '../config/units.ts';
import type { EnforcedLimit } from './enforcer.ts';

/** Something that holds now; the labels make it one and stay while it does. */
export interface Notice {
  readonly labels: Readonly<Record<string, string>>;
  readonly sinceMs: number;
  readonly summary: string;
  readonly description: string;
}

/** How long it is told that calls were hurt. */
const VOICE_KEPT_MS = 5 * 60_000;

export interface EnforcementState {
  /** When too many limits at once stopped limiting, at last; null: limits are set. */
  readonly stoppedMs: number | null;
  readonly limitsPerMinute: number;
  /** The message of the last failure; null: the kernel is as wanted. */
  readonly error: string | null;
}

export function noticesOf(limits: readonly EnforcedLimit[], state: EnforcementState, nowMs: number): Notice[] {
  return [...stateNotices(limits, state, nowMs), ...limits.flatMap((each) => limitNotices(each, nowMs))];
}

function stateNotices(
  limits: readonly EnforcedLimit[],
  { stoppedMs, limitsPerMinute, error }: EnforcementState,
  nowMs: number,
): Notice[] {
  const failures = limits.flatMap(({ failure }) => failure ?? []);
  const [failure = error] = failures;
  return [
    ...(stoppedMs === null
      ? []
      : [
          {
            labels: { alertname: 'limitingStopped', severity: 'critical' },
            sinceMs: stoppedMs,
            summary: `No more tenants are limited: more than ${limitsPerMinute} limits within a minute`,
            description:
              'A threshold or a detector may be wrong. Limits that stand are kept; new ones are set again when no tenant has waited for one for a minute. weir limit works meanwhile.',
          },
        ]),
    ...(failure === null
      ? []
      : [
          {
            labels: { alertname: 'limitsFailing', severity: 'critical' },
            sinceMs: nowMs,
            summary: `${Math.max(failures.length, 1)} limits are not in force: ${failure}`,
            description: 'They are tried again every second; weir limits shows them.',
          },
        ]),
  ];
}

function limitNotices({ limit, inForce, voiceDroppedMs }: EnforcedLimit, nowMs: number): Notice[] {
  if (limit === null) return [];
  const { tenant, rateBps, sinceMs, untilMs, reason, by } = limit;
  const end = untilMs === null ? 'until it is released' : `until ${new Date(untilMs).toISOString()}`;
  const why = by === null ? reason : `${reason} (set by ${by})`;
  const limited: Notice = {
    labels: { alertname: 'portLimited', tenant, severity: 'warning' },
    sinceMs,
    summary: `The port of ${tenant} is limited to ${formatRate(rateBps)} each way`,
    description: `${why}; ${end}, or longer while its cause goes on. weir release ${tenant} lifts it.`,
  };
  const isHurt = voiceDroppedMs !== null && Math.abs(nowMs - voiceDroppedMs) < VOICE_KEPT_MS;
  const hurt: Notice = {
    labels: { alertname: 'limitDropsVoice', tenant, severity: 'critical' },
    sinceMs: voiceDroppedMs ?? nowMs,
    summary: `The limit of ${tenant} drops packets of calls`,
    description: `It has more calls, or packets that look like them, than ${formatRate(rateBps)} have room for. Raise it: weir limit ${tenant} RATE.`,
  };
  return [...(inForce ? [limited] : []), ...(isHurt ? [hurt] : [])];
}
