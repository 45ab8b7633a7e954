/** Input that cannot be read further: why, at which byte of it, and what can be done. */
export class DecodeError extends Error {
  readonly reason: string;
  readonly offset: number;

  constructor(subject: string, reason: string, offset: number, advice = '') {
    super(`Cannot read ${subject}: ${reason} at byte ${offset}${advice}`);
    this.name = 'DecodeError';
    this.reason = reason;
    this.offset = offset;
  }
}
