/** `weir cleanup`: removes what a daemon that was killed left in the kernel. */
import { runtimeDirectory } from '../config/schema.ts';
import { Limiter } from '../enforcement/limiter.ts';
import { Tc } from '../enforcement/tc.ts';
import { WriterLock } from '../enforcement/writerLock.ts';
import { messageOf } from '../messageOf.ts';
import { fail, print } from './terminal.ts';

/** 0: there is nothing of Weir in the kernel; 1: a daemon runs, or it could not be removed. */
export async function cleanup(): Promise<number> {
  const lock = new WriterLock(runtimeDirectory());
  const taken = lock.take();
  if (taken !== null) return fail(`Cannot clean up while a daemon runs: ${taken}`);
  try {
    const isChanged = await new Limiter(new Tc()).clean();
    print(isChanged ? "Removed Weir's queues and filters" : 'There is nothing of Weir in the kernel');
    return 0;
  } catch (error) {
    return fail(messageOf(error));
  } finally {
    lock.release();
  }
}
