/** The one error of opening a probe: what could not be done, on which interface, why, and what to do about it. */
import { getSystemErrorMessage } from 'node:util';

/** errno values that somebody acts on (asm-generic/errno-base.h). */
export const EPERM = 1;
export const ENOMEM = 12;
export const EACCES = 13;
export const ENODEV = 19;
export const EINVAL = 22;
/** asm-generic/errno.h */
export const EADDRINUSE = 98;
export const EADDRNOTAVAIL = 99;

export class ProbeError extends Error {
  override readonly name = 'ProbeError';
  /** The system's error number; null where it was not a system call that failed. */
  readonly errno: number | null;

  constructor(message: string, errno: number | null = null) {
    super(message);
    this.errno = errno;
  }

  /** Of a failed system call: `act` is what it should have done, `advice` what to do about the error numbers it knows. */
  static ofErrno(act: string, errno: number, advice: Readonly<Record<number, string>> = {}): ProbeError {
    const hint = advice[errno];
    return new ProbeError(`Cannot ${act}: ${getSystemErrorMessage(-errno)}${hint ? ` (${hint})` : ''}`, errno);
  }
}
