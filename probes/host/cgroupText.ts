/** Reads figures out of the text of the kernel's cgroup and PSI files (Documentation/admin-guide/cgroup-v{1,2}). What is not there is null. */

/** The whole of the text is one number: `memory.current`, `cpuacct.usage`. */
export const parseNumber = (text: string): number | null => numberAt(text, 0);

/** Of a flat keyed file, one `key value` a line: `cpu.stat`, `memory.stat`, `memory.events`. */
export function parseField(text: string, key: string): number | null {
  const at = text.startsWith(`${key} `) ? 0 : text.indexOf(`\n${key} `) + 1;
  return at === 0 && !text.startsWith(`${key} `) ? null : numberAt(text, at + key.length + 1);
}

/** Seconds of stall; `some` or `full` (Documentation/accounting/psi.rst: `total=` in microseconds). */
export function parseStallSeconds(text: string, kind: 'some' | 'full'): number | null {
  const line = text.startsWith(`${kind} `) ? 0 : text.indexOf(`\n${kind} `) + 1;
  if (line === 0 && !text.startsWith(`${kind} `)) return null;
  const at = text.indexOf(' total=', line);
  const end = text.indexOf('\n', line);
  if (at < 0 || (end >= 0 && at > end)) return null;
  return inUnitsOf(1e6, numberAt(text, at + ' total='.length));
}

/** Processors that `cpu.max` allows, as `50000 100000`; Infinity for `max`. */
export function parseCpuMax(text: string): number | null {
  const [quota, period] = text.trim().split(' ');
  if (quota === 'max') return Infinity;
  return coresOf(parseNumber(quota ?? ''), parseNumber(period ?? ''));
}

/** Processors that a quota and a period allow; null for anything that is none. */
export const coresOf = (quotaUs: number | null, periodUs: number | null): number | null =>
  quotaUs === null || periodUs === null || quotaUs === 0 || periodUs === 0 ? null : quotaUs / periodUs;

/** A limit of memory in bytes; Infinity where there is none: `max`, or in v1 PAGE_COUNTER_MAX (2^63 less a page). */
export function parseMemoryLimit(text: string): number | null {
  if (text.trim() === 'max') return Infinity;
  return asLimit(parseNumber(text));
}

/** No machine has 2^62 bytes. */
export const asLimit = (bytes: number | null): number | null => (bytes !== null && bytes >= 2 ** 62 ? Infinity : bytes);

/** `inUnitsOf(1e6, …)`: microseconds as seconds. */
export const inUnitsOf = (unit: number, value: number | null): number | null => (value === null ? null : value / unit);

/** Unsigned decimal digits that end with the text or in white space: so no prefix of anything else is taken for a number. */
function numberAt(text: string, start: number): number | null {
  let end = start;
  while (isDigit(text.charCodeAt(end))) end++;
  const isWhole = end === text.length || /\s/.test(text.charAt(end));
  return end === start || end - start > MAX_DIGITS || !isWhole ? null : Number(text.slice(start, end));
}

/** Of 2^64 - 1. */
const MAX_DIGITS = 20;
const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;
