/** Real captures of a folder beside the repository, which a clone need not have. */
import { closeSync, existsSync, openSync, readdirSync, readSync } from 'node:fs';
import { join, resolve } from 'node:path';

const CAPTURES = resolve(import.meta.dirname, '../../../shared/captures');

/** The first bytes of a classic pcap file: both byte orders, both resolutions. */
const CLASSIC_MAGICS = new Set(['a1b2c3d4', 'd4c3b2a1', 'a1b23c4d', '4d3cb2a1']);

/** The captures of one folder, in order; without the folder the test is pending and says which, or fails in CI. */
export function capturesOrPending(context: Mocha.Context, folder: string): string[] {
  const path = join(CAPTURES, folder);
  if (existsSync(path))
    return readdirSync(path)
      .toSorted()
      .map((name) => join(path, name));
  if (process.env['CI'] === 'true') throw new Error(`Cannot read captures: no folder ${path}`);
  if (context.test !== undefined) context.test.title += ` (needs ${path})`;
  return context.skip();
}

/** By content: a file called .pcapng may be classic pcap. */
export function isClassicPcap(path: string): boolean {
  const magic = Buffer.alloc(4);
  const descriptor = openSync(path, 'r');
  try {
    readSync(descriptor, magic);
  } finally {
    closeSync(descriptor);
  }
  return CLASSIC_MAGICS.has(magic.toString('hex'));
}
