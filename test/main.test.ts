import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { WEIR_MAIN } from './support/replay.ts';

/** What Node.js tells of its cache of compiled code, when nobody has said where it is. */
function startAndTell(): string {
  const { NODE_COMPILE_CACHE: _, NODE_DISABLE_COMPILE_CACHE: __, ...rest } = process.env;
  const env = { ...rest, NODE_DEBUG_NATIVE: 'COMPILE_CACHE' };
  return spawnSync(process.execPath, [WEIR_MAIN, '--version'], { env, encoding: 'utf8' }).stderr;
}

describe('daemon/main.ts', () => {
  it('keeps the compiled code for the next start', () => {
    startAndTell();
    assert.match(startAndTell(), /V8 code cache for ESM file:\/\/\/\S*\/daemon\/cli\.ts was accepted/);
  });
});
