/** Says in the user's words what zod found wrong. */
import type { z } from 'zod';
import { shown } from './units.ts';

const EXPECTED: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  int: 'a whole number',
  number: 'a number',
  object: 'a mapping',
  string: 'text',
};

/**
 * The error map of a configuration's zod schema. Several unknown keys of one mapping come as one issue: its message has
 * a line for each of its `keys`, in their order.
 */
export function explain(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return wrong(EXPECTED[issue.expected] ?? issue.expected, issue.input);
    case 'invalid_value':
      return wrong(alternatives(issue.values.map(String)), issue.input);
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey(key, knownKeys(issue.inst))).join('\n');
    case 'too_small':
      return outOfRange('at least', Number(issue.minimum), issue.origin, issue.input);
    case 'too_big':
      return outOfRange('at most', Number(issue.maximum), issue.origin, issue.input);
    default:
      return undefined;
  }
}

const wrong = (expected: string, input: unknown): string =>
  input === undefined ? 'is missing' : `must be ${expected}, got ${shown(input)}`;

const alternatives = (values: readonly string[]): string =>
  [values.slice(0, -1).join(', '), values.at(-1)].filter((part) => part !== '').join(' or ');

function outOfRange(relation: string, bound: number, origin: string, input: unknown): string {
  if (!Array.isArray(input))
    return `must be ${relation} ${bound}${origin === 'string' ? ' characters' : ''}, got ${shown(input)}`;
  return `must have ${relation} ${bound} ${bound === 1 ? 'entry' : 'entries'}, got ${input.length}`;
}

const isObjectSchema = (schema: unknown): schema is z.ZodObject =>
  typeof schema === 'object' && schema !== null && 'shape' in schema;

const knownKeys = (schema: unknown): string[] => (isObjectSchema(schema) ? Object.keys(schema.shape) : []);

const unknownKey = (key: string, known: readonly string[]): string => `is an unknown key${didYouMean(key, known)}`;

/** `; did you mean acme?`, or nothing where none of the names is near. */
export function didYouMean(word: string, names: readonly string[]): string {
  const near = names
    .map((name) => ({ name, distance: distance(word.toLowerCase(), name.toLowerCase()) }))
    .filter((candidate) => candidate.distance <= Math.max(1, candidate.name.length / 3))
    .toSorted((a, b) => a.distance - b.distance);
  return near[0] === undefined ? '' : `; did you mean ${near[0].name}?`;
}

/** Edits from one word to the other, a swap of neighbours being one (optimal string alignment). */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 8) return Infinity;
  let [before, row]: [number[], number[]] = [[], Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const edits = [row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + same, swapped ? before[j - 2]! + 1 : Infinity];
      next.push(Math.min(...edits));
    }
    [before, row] = [row, next];
  }
  return row[b.length] ?? Infinity;
}
