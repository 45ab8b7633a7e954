/** Where the bytes of a capture come from. */

/** Why there are no more bytes although the input has not come to its end, and at which byte of the file. */
export interface InputProblem {
  readonly reason: string;
  readonly offset: number;
}

export interface ByteInput {
  /** Puts at most `length` bytes into `bytes`, from `at` on; how many. 0: there are no more, and `problem` says whether there should be. */
  read(bytes: Uint8Array<ArrayBuffer>, at: number, length: number): number;
  readonly problem: InputProblem | null;
  /** Bytes of the file that have been read. */
  readonly readBytes: number;
  /** How many the file has; null: it is a pipe. */
  readonly totalBytes: number | null;
  close(): void;
}
