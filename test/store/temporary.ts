/** A folder of a test's own, for the store's files. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Made before the tests of the present `describe`, removed after them; gives its path. */
export function temporaryFolder(): () => string {
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'weir-store-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));
  return () => folder;
}
