/** A worker's side of the windows that it shares with the main thread: which are free, and which are handed over. */
import { Window } from './window.ts';
import {
  CONTROL_STOP,
  CONTROL_WINDOWS,
  WINDOW_FREE,
  WINDOW_HANDED_OVER,
  WINDOW_METERED,
  type WindowMemory,
} from './workerProtocol.ts';

export class WindowPool {
  readonly #control: Int32Array;
  readonly #windows: readonly Window[];

  constructor({ shape, windows, control }: WindowMemory) {
    this.#control = new Int32Array(control);
    this.#windows = windows.map((each) => new Window(shape, each));
  }

  get isToStop(): boolean {
    return Atomics.load(this.#control, CONTROL_STOP) !== 0;
  }

  /** Whoever has it: to begin with, before any is taken. */
  get first(): Window {
    const [first] = this.#windows;
    if (first === undefined) throw new RangeError('Cannot meter without a window');
    return first;
  }

  /** null: none is free. */
  take(): Window | null {
    const index = this.#windows.findIndex((_, i) => Atomics.load(this.#control, CONTROL_WINDOWS + i) === WINDOW_FREE);
    const window = this.#windows[index];
    if (window === undefined) return null;
    Atomics.store(this.#control, CONTROL_WINDOWS + index, WINDOW_METERED);
    return window;
  }

  /** Marks the window for the main thread, which is then to be told its index. */
  handOver(window: Window): number {
    const index = this.#windows.indexOf(window);
    Atomics.store(this.#control, CONTROL_WINDOWS + index, WINDOW_HANDED_OVER);
    return index;
  }
}
