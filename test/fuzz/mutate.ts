/** Mutations of messages, by a repeatable source of random numbers. */

/** What lengths, counts and ids are most often wrong with. */
const INTERESTING = [
  0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 16, 23, 24, 27, 28, 48, 127, 128, 255, 256, 257, 512, 1500, 32_767, 32_768, 65_534,
  65_535,
];
const LARGEST = 65_507;
/** A few changes keep most of the message's sense. */
const MOST_CHANGES = 4;

type Random = () => number;

/** Another message made of `parent`, which stays as it is; `other` lends pieces. */
export function mutate(parent: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
  let message: Uint8Array = parent.slice();
  const changes = 1 + (random() % MOST_CHANGES);
  for (let i = 0; i < changes; i++)
    message = MUTATIONS[random() % MUTATIONS.length]?.(message, other, random) ?? message;
  return message.length <= LARGEST ? message : message.slice(0, LARGEST);
}

type Mutation = (message: Uint8Array, other: Uint8Array, random: Random) => Uint8Array;

const at = (message: Uint8Array, random: Random): number => (message.length === 0 ? 0 : random() % message.length);

const flipBit: Mutation = (message, _, random) => {
  const i = at(message, random);
  message[i] = (message[i] ?? 0) ^ (1 << (random() & 7));
  return message;
};

const setOctet: Mutation = (message, _, random) => {
  message[at(message, random)] = random() & 255;
  return message;
};

/** Aligned as fields are, most of the time. */
const setWord: Mutation = (message, _, random) => {
  const i = at(message, random) & ((random() & 3) === 0 ? ~0 : ~1);
  const value = INTERESTING[random() % INTERESTING.length] ?? 0;
  message[i] = value >> 8;
  if (i + 1 < message.length) message[i + 1] = value & 255;
  return message;
};

const addToOctet: Mutation = (message, _, random) => {
  const i = at(message, random);
  message[i] = (message[i] ?? 0) + (random() % 9) - 4;
  return message;
};

const truncate: Mutation = (message, _, random) => message.slice(0, at(message, random));

const remove: Mutation = (message, _, random) => {
  const from = at(message, random);
  const length = 1 + (random() % 16);
  return join(message.subarray(0, from), message.subarray(from + length));
};

const insert: Mutation = (message, _, random) => {
  const from = at(message, random);
  const added = Uint8Array.from({ length: 1 + (random() % 8) }, () => random());
  return join(message.subarray(0, from), added, message.subarray(from));
};

const repeat: Mutation = (message, _, random) => {
  const from = at(message, random);
  const piece = message.subarray(from, from + 1 + (random() % 64));
  const times = 1 + (random() % 8);
  return join(message.subarray(0, from), ...Array.from({ length: times }, () => piece), message.subarray(from));
};

const splice: Mutation = (message, other, random) =>
  join(message.subarray(0, at(message, random)), other.subarray(at(other, random)));

const MUTATIONS: readonly Mutation[] = [
  flipBit,
  flipBit,
  setOctet,
  setWord,
  setWord,
  setWord,
  addToOctet,
  truncate,
  remove,
  insert,
  repeat,
  splice,
];

function join(...pieces: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let next = 0;
  for (const piece of pieces) {
    joined.set(piece, next);
    next += piece.length;
  }
  return joined;
}
