/** The table of a detector's options, from its configuration type, as docs/detectors.md has it. */
import type { DetectorDefinition } from '../../daemon/detectors/detector.ts';
import { z } from 'zod';

/** Markdown; a row an option. */
export function optionsTable({ config }: DetectorDefinition): string {
  const { properties = {} } = z.toJSONSchema(config, { io: 'input', unrepresentable: 'any' });
  const defaults = new Map(Object.entries(config.parse({})));
  const rows = Object.entries(properties).map(([key, property]) => {
    const { description = '', default: written = defaults.get(key) } = typeof property === 'object' ? property : {};
    return `| \`${key}\` | \`${Array.isArray(written) ? JSON.stringify(written) : String(written)}\` | ${description} |`;
  });
  return ['| option | default | meaning |', '| --- | --- | --- |', ...rows].join('\n');
}
