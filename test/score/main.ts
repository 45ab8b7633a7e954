/**
 * `npm run score [-- PART … | --record [RECORDING …]]`: how rightly Weir names what is in labelled traffic. Prints the confusion
 * table, and what is worse or better than in the committed tables; 1: something is worse. UPDATE_SCORE=1 writes the tables anew.
 */
import { parseArgs } from 'node:util';
import { record } from './recording/record.ts';
import { CAPTURES, hasCaptures, PARTS, runPart } from './suite.ts';
import { summarize } from './summary.ts';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { record: { type: 'boolean', default: false } },
});

const say = (text: string): boolean => process.stdout.write(`${text}\n`);

function score(names: readonly string[]): void {
  const results = names.map((name) => {
    const before = process.cpuUsage();
    const result = runPart(name);
    const { user, system } = process.cpuUsage(before);
    const heading = `${name}: ${(result.packets / 1e6).toFixed(2)} M packets, ${((user + system) / 1e6).toFixed(1)} s of CPU`;
    say(`${heading}\n\n${summarize(result.lines)}`);
    return result;
  });
  if (results.length > 1) say(`all\n\n${summarize(results.flatMap(({ lines }) => lines))}`);
  for (const line of results.flatMap(({ better }) => better)) say(`better: ${line}`);
  const worse = results.flatMap((result) => result.worse);
  for (const line of worse) say(`worse: ${line}`);
  process.exitCode = worse.length > 0 ? 1 : 0;
}

/** All but the week, which takes minutes. */
function wantedParts(): string[] {
  return positionals.length > 0 ? positionals : Object.keys(PARTS).filter((name) => name !== 'week');
}

const parts = wantedParts();
const unknown = parts.filter((name) => PARTS[name] === undefined);
if (options.record) await record(positionals);
else if (unknown.length > 0) {
  say(`Cannot score ${unknown.join(', ')}: there are ${Object.keys(PARTS).join(', ')}`);
  process.exitCode = 1;
} else {
  if (!hasCaptures() && parts.includes('labelled')) say(`Without the labelled captures: no folder ${CAPTURES}`);
  score(parts.filter((name) => name !== 'labelled' || hasCaptures()));
}
