/** What makes two findings the same incident, and the id that it is called by. */
import { createHash } from 'node:crypto';
import type { Milliseconds } from '../../probes/probe.ts';
import type { Finding } from '../detectors/detector.ts';

export type Identified = Pick<Finding, 'signature' | 'tenant' | 'direction' | 'victim' | 'offender' | 'subject'>;

/** Who suffers it counts, else who does it; where it was seen does not: one attack is one incident at two interfaces. */
export const identityOf = ({ signature, tenant, direction, victim, offender, subject }: Identified): string =>
  [signature.id, tenant, direction ?? '', subject ?? victim ?? offender ?? ''].join(' ');

export const incidentId = (identity: string, firstSeen: string): string =>
  createHash('sha256').update(`${identity} ${firstSeen}`).digest('hex').slice(0, 12);

/** The last millisecond that RFC 3339 can write. */
const LAST_TIME = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** RFC 3339; a capture's absurd times are brought to its ends. */
export const toRfc3339 = (ms: Milliseconds): string => new Date(Math.min(Math.max(ms, 0), LAST_TIME)).toISOString();
