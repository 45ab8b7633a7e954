/** How high a signature was for a tenant. */
import type { Direction } from './metering/window.ts';

export interface Level {
  readonly signature: string;
  readonly tenant: string;
  /** null: it is not about traffic. */
  readonly direction: Direction | null;
  readonly value: number;
}

/** What the values of one series have in common. */
export type LevelSeries = Omit<Level, 'value'>;

export const levelKey = ({ signature, tenant, direction }: LevelSeries): string =>
  `${signature} ${tenant} ${direction ?? ''}`;
