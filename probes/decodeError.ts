/** Input that cannot be read further: why, and at which byte of it. */
export class DecodeError extends Error {
  readonly reason: string;
  readonly offset: number;

  constructor(subject: string, reason: string, offset: number) {
    super(`Cannot read ${subject}: ${reason} at byte ${offset}`);
    this.name = 'DecodeError';
    this.reason = reason;
    this.offset = offset;
  }
}
