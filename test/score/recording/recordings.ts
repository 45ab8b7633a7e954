/** All recordings. */
import { EVERYDAY } from './everyday.ts';
import { FLOODS } from './floods.ts';
import { ODDITIES } from './oddities.ts';
import type { Recording } from './recording.ts';
import { SCANS } from './scans.ts';

export const RECORDINGS: readonly Recording[] = [...SCANS, ...FLOODS, ...ODDITIES, ...EVERYDAY];
