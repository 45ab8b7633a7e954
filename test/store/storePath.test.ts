import assert from 'node:assert/strict';
import { DEFAULT_STORE_PATH, storePathFor } from '../../daemon/store/storePath.ts';

const home = '/home/ada';
const cases: readonly (readonly [
  criterion: string,
  written: string,
  stateHome: string | undefined,
  canHave: boolean,
  path: string,
])[] = [
  ['the default where it can be had', DEFAULT_STORE_PATH, undefined, true, DEFAULT_STORE_PATH],
  ["the user's state folder where it cannot", DEFAULT_STORE_PATH, '/srv/state', false, '/srv/state/weir/weir.db'],
  ['its default where none is set', DEFAULT_STORE_PATH, undefined, false, '/home/ada/.local/state/weir/weir.db'],
  [
    'its default where a relative one is set',
    DEFAULT_STORE_PATH,
    'state',
    false,
    '/home/ada/.local/state/weir/weir.db',
  ],
  ['what is written, whether it can be had or not', '/data/weir.db', '/srv/state', false, '/data/weir.db'],
];

describe('storePathFor()', () => {
  for (const [criterion, written, stateHome, canHave, path] of cases) {
    it(`gives ${criterion}`, () =>
      assert.equal(
        storePathFor(written, { home, stateHome }, () => canHave),
        path,
      ));
  }
});
