/** Names host sweeps: one address tries the same at host after host. */
import { scanDefinition } from './shared/scanDetector.ts';

export const hostSweep = scanDefinition({
  id: 'hostSweep',
  title: 'One address tries host after host, and is hardly answered.',
  shape: 'horizontal',
});
