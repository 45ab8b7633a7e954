/** How far an exporter's clock is off, and the shift that puts its times right; a steady one, so that what it saw in order stays so. */
import type { Milliseconds } from '../../probes/probe.ts';

export class ExporterClock {
  readonly #toleranceMs: Milliseconds;
  #shiftMs: Milliseconds = 0;

  /** Less than `toleranceMs` is the message's way, or the whole seconds in which v9 and IPFIX write their export time. */
  constructor(toleranceMs: Milliseconds) {
    this.#toleranceMs = toleranceMs;
  }

  /** What is added to the exporter's times; 0: its clock is right. */
  get shiftMs(): Milliseconds {
    return this.#shiftMs;
  }

  /** A message that was exported then, by the exporter's clock, has been received now. */
  observe(exportTimeMs: Milliseconds, receivedMs: Milliseconds): void {
    const offsetMs = receivedMs - exportTimeMs;
    if (Math.abs(offsetMs - this.#shiftMs) <= this.#toleranceMs) return;
    this.#shiftMs = Math.abs(offsetMs) <= this.#toleranceMs ? 0 : offsetMs;
  }
}
