/** The links of the watched interfaces, looked at one by one: a card's driver may take its time to answer. */
import { type Link, readLink } from '../../probes/link.ts';

/** How often each is looked at. */
const EVERY_MS = 10_000;

export class Links {
  readonly #names: readonly string[];
  readonly #links = new Map<string, Link>();
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(names: readonly string[]) {
    this.#names = names;
  }

  /** By interface; those that were looked at. */
  get latest(): ReadonlyMap<string, Link> {
    return this.#links;
  }

  async start(): Promise<void> {
    void this.#look(0);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  /** The first round without a pause. */
  async #look(turn: number): Promise<void> {
    const name = this.#names[turn % this.#names.length];
    if (name === undefined) return;
    this.#links.set(name, await readLink(name));
    const pauseMs = turn < this.#names.length - 1 ? 0 : EVERY_MS / this.#names.length;
    if (!this.#isStopped) this.#timer = setTimeout(() => void this.#look(turn + 1), pauseMs);
  }
}
