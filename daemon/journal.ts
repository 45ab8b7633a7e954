/** What systemd's journal asks of who writes to it. */
import { fstatSync } from 'node:fs';

/** Of pino's levels, syslog's (RFC 5424, section 6.2.1). */
const PRIORITIES: Readonly<Record<string, number>> = { trace: 7, debug: 7, info: 6, warn: 4, error: 3, fatal: 2 };

/** Whether a stream leads to the journal, and has not been led elsewhere since: systemd.exec(5), $JOURNAL_STREAM. */
export function isJournal(fd: number, stream: string | undefined): boolean {
  if (stream === undefined) return false;
  try {
    const { dev, ino } = fstatSync(fd, { bigint: true });
    return stream === `${dev}:${ino}`;
  } catch {
    return false;
  }
}

/** A line of JSON that begins with its level, with the prefix of sd-daemon(3), which the journal takes off: `journalctl -p warning`. */
export function withPriority(line: string): string {
  const level = /^\{"level":"([a-z]+)"/.exec(line)?.[1] ?? '';
  return `<${PRIORITIES[level] ?? 6}>${line}`;
}
