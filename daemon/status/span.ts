/** Spans of time for a person. */

/** Between two times of RFC 3339: `12 s ago`. */
export const ago = (then: string, now: string): string =>
  `${formatSpan((Date.parse(now) - Date.parse(then)) / 1000)} ago`;

/** The two largest units: `3 h 12 min`. */
export function formatSpan(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const parts: readonly [number, string][] = [
    [Math.floor(whole / 86_400), 'd'],
    [Math.floor(whole / 3_600) % 24, 'h'],
    [Math.floor(whole / 60) % 60, 'min'],
    [whole % 60, 's'],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  if (first === -1) return '0 s';
  const largest = parts.slice(first, first + 2).filter(([count]) => count > 0);
  return largest.map(([count, unit]) => `${count} ${unit}`).join(' ');
}
