/** Leaves a test (of a hook: all the tests of its suite) pending, and says in their titles what is missing. */
import Mocha from 'mocha';

export function pendingWithout(context: Mocha.Context, missing: string): never {
  const { test } = context;
  const named = test instanceof Mocha.Hook ? testsOf(test.parent) : [test];
  for (const each of named) if (each !== undefined) each.title += ` (needs ${missing})`;
  return context.skip();
}

function testsOf(suite: Mocha.Suite | undefined): Mocha.Test[] {
  const tests: Mocha.Test[] = [];
  suite?.eachTest((test) => {
    tests.push(test);
  });
  return tests;
}
