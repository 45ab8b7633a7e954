/** What the tests of detectors by pairs of addresses have in common: windows of sightings, and what is told of the last. */
import type { DetectorContext, DetectorDefinition } from '../../daemon/detectors/detector.ts';
import { WINDOW_MS } from '../../daemon/metering/window.ts';
import { addSightings, type SightingSpec } from '../support/sightings.ts';
import { trafficEvidence } from '../support/trafficEvidence.ts';
import { buildWindow, testContext } from '../support/windowBuilder.ts';
import { told } from './findings.ts';

export type Seen = SightingSpec;

/** `inbound acme 198.51.100.9 by 203.0.113.1: land 1` of the last window, where the threshold is passed. */
export function observeSightings(
  definition: DetectorDefinition,
  windows: readonly (readonly Seen[])[],
  context: DetectorContext = testContext(),
): string[] {
  const detector = definition.create(definition.config.parse({}), context);
  const findings = windows.map((seen, i) => {
    const window = buildWindow([], { context, startMs: i * WINDOW_MS });
    addSightings(window, context, seen);
    return detector.observe(window);
  });
  return (findings.at(-1) ?? [])
    .filter(({ value, threshold }) => value >= threshold)
    .map((finding) => `${told(finding)}: ${trafficEvidence(finding).type} ${finding.value}`);
}
