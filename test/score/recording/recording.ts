/** What a recording is: what is run between a stranger and a tenant, how much of it is kept, and what must be named in it. */
import type { Named } from '../trial.ts';
import { type Side, SIDES } from './stage.ts';

/** As the victim's host sees it that faces the internet, as the offender's does, and at the offender's own port. */
export type Way = 'in' | 'out' | 'port';

export interface Recording {
  readonly name: string;
  /** One after another. */
  readonly commands: readonly { readonly by: Side; readonly command: readonly string[] }[];
  /** Its first packets. */
  readonly packets: number;
  readonly expected?: readonly RecordedAttack[];
  /** Its sources are not those of who sends it, which its port can tell. */
  readonly isForged?: boolean;
  /** Whose views it is judged by; left out: both sides', and of what is forged the victim's and that of the sender's port. */
  readonly ways?: readonly Way[];
  readonly allowed?: readonly Named[];
  /** Judged a second time under this name, with pauses so many times as long. */
  readonly slower?: { readonly name: string; readonly times: number };
  /** Of the link's addresses, that the tenant has as well. */
  readonly onLink?: readonly string[];
}

/** Seen by the victim, and by the offender, as the tenant: which of them are told apart, and who they are. */
export interface RecordedAttack {
  readonly detector: Named['detector'];
  readonly type?: string;
  /** Who does it; null: many; left out: whoever it is said to be. */
  readonly offender?: string | null;
  /** Whom it hits; null: many. */
  readonly victim: string | null;
}

export const STRANGER = SIDES.stranger.address;
export const TENANT = SIDES.tenant.address;

export const by = (side: Side, text: string) => ({ by: side, command: text.split(' ') });
export const byStranger = (text: string) => [by('stranger', text)];
