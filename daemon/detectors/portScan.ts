/** Names port scans: one address tries many ports of a host, or of a few. */
import { scanDefinition } from './shared/scanDetector.ts';

export const portScan = scanDefinition({
  id: 'portScan',
  title: 'One address tries port after port of a host, and is hardly answered.',
  shape: 'vertical',
});
