/** The simulated trials. */
import type { Trial } from '../trial.ts';
import { officeDays, officeHour } from './officeScenes.ts';
import { trialOf } from './scene.ts';
import { slowScans } from './slowScans.ts';
import { throughput } from './throughput.ts';

export const simulatedTrials = (): Trial[] => [...slowScans(), ...throughput(), officeHour()].map(trialOf);
export const dayTrials = (): Trial[] => [officeDays('an office day', 1, 1)].map(trialOf);
export const weekTrials = (): Trial[] => [officeDays('an office week', 7, 2)].map(trialOf);
