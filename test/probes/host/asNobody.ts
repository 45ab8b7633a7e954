/** What a daemon sees that is not root: this process for a while. */
import assert from 'node:assert/strict';
import process from 'node:process';

const NOBODY = 65_534;

/** Runs `act` with the rights of nobody. Of all threads: seteuid of libc is of the process. */
export async function asNobody<T>(act: () => Promise<T>): Promise<T> {
  assert(process.setegid !== undefined && process.seteuid !== undefined && process.getuid?.() === 0, 'needs root');
  process.setegid(NOBODY);
  process.seteuid(NOBODY);
  try {
    return await act();
  } finally {
    process.seteuid(0);
    process.setegid(0);
  }
}
