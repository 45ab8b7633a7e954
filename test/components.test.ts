import assert from 'node:assert/strict';
import { type Component, startComponents } from '../daemon/components.ts';

interface Trial {
  readonly title: string;
  /** Names that cannot start, and that cannot stop. */
  readonly badStart?: string;
  readonly badStop?: string;
  readonly expected: readonly string[];
}

const TRIALS: readonly Trial[] = [
  {
    title: 'stops everything in the reverse order',
    expected: ['start a', 'start b', 'start c', 'stop c', 'stop b', 'stop a'],
  },
  {
    title: 'stops what had started when a later part cannot start',
    badStart: 'c',
    expected: ['start a', 'start b', 'start c', 'stop b', 'stop a', 'rejected: no c'],
  },
  {
    title: 'stops the rest when one cannot stop',
    badStop: 'b',
    expected: ['start a', 'start b', 'start c', 'stop c', 'stop b', 'failed to stop b', 'stop a'],
  },
];

async function trace({ badStart, badStop }: Trial): Promise<string[]> {
  const lines: string[] = [];
  const component = (name: string): Component => ({
    name,
    start: async () => {
      lines.push(`start ${name}`);
      if (name === badStart) throw new Error(`no ${name}`);
    },
    stop: async () => {
      lines.push(`stop ${name}`);
      if (name === badStop) throw new Error(`no end of ${name}`);
    },
  });
  try {
    const stop = await startComponents(['a', 'b', 'c'].map(component), (name) => lines.push(`failed to stop ${name}`));
    await stop();
  } catch (error) {
    lines.push(`rejected: ${error instanceof Error ? error.message : String(error)}`);
  }
  return lines;
}

describe('startComponents()', () => {
  for (const trial of TRIALS) {
    it(trial.title, async () => assert.deepEqual(await trace(trial), trial.expected));
  }
});
