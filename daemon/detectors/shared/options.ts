/** The options that the sections of all detectors of traffic have. */
import { allowField } from '../../config/network.ts';
import { modeField } from '../../config/units.ts';

/** `modes` says what the modes mean. */
export const trafficOptions = (modes: string) => ({
  mode: modeField.describe(modes),
  allow: allowField.describe(
    'CIDR blocks and ids of tenants: no finding of what these do, or of what tenants do to addresses of these blocks',
  ),
});
