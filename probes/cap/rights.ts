/** What the child that captures gives up once its socket is open: user, capabilities, core dumps, and to outlive its parent. */
import type { Libc } from '../libc.ts';

/** prctl(2) */
const PR_SET_PDEATHSIG = 1;
const PR_SET_DUMPABLE = 4;
const PR_SET_NO_NEW_PRIVS = 38;
const SIGKILL = 9;

/** nobody and nogroup, as on every Debian. */
const NOBODY = 65_534;
/** capset(2): _LINUX_CAPABILITY_VERSION_3, this thread; two words each of effective, permitted, inheritable. */
const CAPABILITY_VERSION = 0x2008_0522;

const prctlOf = (libc: Libc) =>
  libc.declare('int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)');

/**
 * As far as the system lets: a process without CAP_SETUID keeps its user. C's set*id functions act on all threads;
 * capset on this one, which is the one that runs `cap`.
 */
export function giveUpRights(libc: Libc): void {
  const prctl = prctlOf(libc);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  libc.declare('int setgroups(size_t count, const void *groups)')(0, null);
  libc.declare('int setresgid(uint32_t real, uint32_t effective, uint32_t saved)')(NOBODY, NOBODY, NOBODY);
  libc.declare('int setresuid(uint32_t real, uint32_t effective, uint32_t saved)')(NOBODY, NOBODY, NOBODY);
  const header = Uint32Array.of(CAPABILITY_VERSION, 0);
  libc.declare('int capset(const void *header, const void *data)')(header, new Uint32Array(6));
  // What strangers sent is in its memory, and `cap` ends by abort(3).
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/** The kernel ends this process with the thread that started it; a change of user takes that back. */
export function dieWithParent(libc: Libc): void {
  prctlOf(libc)(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
}
