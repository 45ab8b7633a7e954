/** The simulated trials. */
import type { Trial } from '../trial.ts';
import { officeHour, officeHours, sampledWeek } from './officeScenes.ts';
import { trialOf } from './scene.ts';
import { slowScans } from './slowScans.ts';
import { throughput, weekOfThroughput } from './throughput.ts';

export const simulatedTrials = (): Trial[] => [...slowScans(), ...throughput(), officeHour()].map(trialOf);
export const morningTrials = (): Trial[] => [officeHours('an office morning', 8, 2, 4)].map(trialOf);
export const dayTrials = (): Trial[] => [officeHours('an office day', 0, 24, 1)].map(trialOf);
export const weekTrials = (): Trial[] => [officeHours('an office week', 0, 7 * 24, 2)].map(trialOf);
export const sampledWeekTrials = (): Trial[] => [sampledWeek(2), trialOf(weekOfThroughput())];
