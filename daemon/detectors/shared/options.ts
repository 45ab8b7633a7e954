/** The options that the sections of all detectors of traffic have. */
import { allowField } from '../../config/network.ts';
import { modeField } from '../../config/units.ts';

const MODES = {
  limits: '`observe` only reports, `enforce` lets it lead to limits; `off` does not look',
  reports: '`observe` reports; `off` does not look; `enforce` is as `observe`: it leads to no limits',
} as const;

/** `does`: what a finding may lead to. */
export const trafficOptions = (does: keyof typeof MODES) => ({
  mode: modeField.describe(MODES[does]),
  allow: allowField.describe(
    'CIDR blocks and ids of tenants: no finding of what these do, or of what tenants do to addresses of these blocks',
  ),
});
