/** Reads a configuration file; whatever is wrong with it comes as one ConfigError. */
import { readFileSync, statSync } from 'node:fs';
import type { z } from 'zod';
import type { DetectorConfigs } from '../detectors/index.ts';
import type { Config } from './config.ts';
import { ConfigError, type Problem } from './configError.ts';
import { explain } from './explain.ts';
import type { Key } from './locate.ts';
import { configSchema } from './schema.ts';
import { checkSize, parseSource, refuse, type Source } from './source.ts';

export { ConfigError };

/** Throws ConfigError. */
export function readConfig(path: string): Config {
  return loadConfig(path, readText(path));
}

/** `file` names the text in messages; `detectors` parses the section of that name. Throws ConfigError. */
export function loadConfig(file: string, text: string, detectors?: z.ZodType<DetectorConfigs>): Config {
  const source = parseSource(file, text);
  const parsed = configSchema(detectors).safeParse(source.value, { error: explain });
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.flatMap((issue) => problemsOf(issue, source));
  throw new ConfigError(file, problems.toSorted(byPosition));
}

function problemsOf(issue: z.core.$ZodIssue, source: Source): Problem[] {
  const keys = issue.path.map((key): Key => (typeof key === 'symbol' ? '' : key));
  if (issue.code !== 'unrecognized_keys') return [source.problem(keys, 'value', issue.message)];
  const whys = issue.message.split('\n');
  return issue.keys.map((key, i) => source.problem([...keys, key], 'key', whys[i] ?? ''));
}

function byPosition({ position: a }: Problem, { position: b }: Problem): number {
  return (a?.line ?? 0) - (b?.line ?? 0) || (a?.column ?? 0) - (b?.column ?? 0);
}

function readText(path: string): string {
  try {
    const stat = statSync(path);
    if (!stat.isFile()) refuse(path, 'cannot be read: it is no file');
    checkSize(path, stat.size);
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    return refuse(path, `cannot be read: ${reasonOf(error)}`);
  }
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  switch (code) {
    case 'ENOENT':
      return 'there is no such file';
    case 'EACCES':
      return 'permission denied';
    case 'ERR_ENCODING_INVALID_ENCODED_DATA':
      return 'it is not UTF-8';
    default:
      return String(error);
  }
}
