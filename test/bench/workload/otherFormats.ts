/** A workload's file in the other formats that Weir reads, as the tools make them that people have. */
import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, openSync, renameSync } from 'node:fs';

export type OtherFormat = 'pcapng' | 'gz';

/** The file beside `path`, made when it is not there yet. */
export function inFormat(path: string, format: OtherFormat): string {
  const other = `${path}.${format}`;
  if (existsSync(other)) return other;
  const unfinished = `${other}.${process.pid}`;
  if (format === 'pcapng') execFileSync('editcap', ['-F', 'pcapng', path, unfinished]);
  else pack(path, unfinished);
  renameSync(unfinished, other);
  return other;
}

function pack(path: string, packed: string): void {
  const file = openSync(packed, 'w');
  try {
    execFileSync('gzip', ['-c', path], { stdio: ['ignore', file, 'inherit'] });
  } finally {
    closeSync(file);
  }
}
