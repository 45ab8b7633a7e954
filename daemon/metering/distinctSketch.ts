/** HyperLogLog registers (Flajolet, Fusy, Gandouet, Meunier 2007): how many distinct things, in 256 bytes, mergeable by maximum. */

export const SKETCH_REGISTERS = 256;
/** Relative standard error of an estimate: 6.5 %. */
export const SKETCH_ERROR = 1.04 / Math.sqrt(SKETCH_REGISTERS);
const ALPHA = 0.7213 / (1 + 1.079 / SKETCH_REGISTERS);

/** One byte a register: the largest rank of any hash that fell into it. */
export type DistinctSketch = Uint8Array;

/** The estimated number of distinct hashes; small numbers by linear counting, as the paper advises. */
export function estimateDistinct(sketch: DistinctSketch): number {
  let sum = 0;
  let zeros = 0;
  for (const rank of sketch) {
    sum += 2 ** -rank;
    if (rank === 0) zeros += 1;
  }
  const raw = (ALPHA * SKETCH_REGISTERS * SKETCH_REGISTERS) / sum;
  const small = raw <= 2.5 * SKETCH_REGISTERS && zeros > 0;
  return Math.round(small ? SKETCH_REGISTERS * Math.log(SKETCH_REGISTERS / zeros) : raw);
}

/** Adds `from` to `into`: the sketch of the union. */
export function uniteSketch(into: DistinctSketch, from: DistinctSketch): void {
  for (let i = 0; i < SKETCH_REGISTERS; i++) into[i] = Math.max(into[i] ?? 0, from[i] ?? 0);
}
