/** What the flood detectors' tests have in common: a detector with its defaults, asked about one window of 250 ms. */
import type { DetectorContext, DetectorDefinition, Finding } from '../../daemon/detectors/detector.ts';
import { buildWindow, testContext, type Traffic, type WindowOptions } from '../support/windowBuilder.ts';

/** Findings that pass their threshold. */
export function findings(
  definition: DetectorDefinition,
  traffic: readonly Traffic[],
  options: WindowOptions = {},
): Finding[] {
  const context: DetectorContext = options.context ?? testContext();
  const detector = definition.create(definition.config.parse({}), context);
  return detector
    .observe(buildWindow(traffic, { ...options, context }))
    .filter(({ value, threshold }) => value >= threshold);
}

/** `inbound acme 198.51.100.9 by 203.0.113.1`: who, from where, to whom. */
export const told = ({ direction, tenant, victim, offender }: Finding): string =>
  `${direction} ${tenant} ${victim ?? 'nobody'} by ${offender ?? 'many'}`;
