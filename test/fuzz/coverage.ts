/** Which blocks of our own code have run, as V8 counts them (https://v8.dev/blog/javascript-code-coverage). */
import { type Profiler, Session } from 'node:inspector';

export class Coverage {
  readonly #session = new Session();
  readonly #isWatched: (url: string) => boolean;
  readonly #seen = new Set<string>();

  constructor(isWatched: (url: string) => boolean) {
    this.#isWatched = isWatched;
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  get blocks(): number {
    return this.#seen.size;
  }

  /** How many blocks have run since the last call that had never run before. */
  take(): number {
    const before = this.#seen.size;
    this.#session.post('Profiler.takePreciseCoverage', (error, answer) => {
      if (error !== null) throw error;
      for (const script of answer.result) if (this.#isWatched(script.url)) this.#add(script);
    });
    return this.#seen.size - before;
  }

  #add({ url, functions }: Profiler.ScriptCoverage): void {
    for (const { ranges } of functions) {
      for (const { count, startOffset, endOffset } of ranges) {
        // How often it ran matters, too: once, some times, many times.
        if (count > 0)
          this.#seen.add(`${url}:${startOffset}:${endOffset}:${Math.min(3, Math.ceil(Math.log10(count)))}`);
      }
    }
  }
}
