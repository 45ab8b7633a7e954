/** Sequence numbers of 32 bits: how much of what an exporter numbered never came. */

/** A larger step is another count, not a loss: 2^28 records are a minute of the fastest exporter. */
const LARGEST_GAP = 2 ** 28;
/** Messages that come out of order fill their gap within so many others; then it is a loss. */
const REORDERED_WITHIN = 16;
/** So many in a row behind the one that is expected: the exporter has started anew. */
const RESTARTED_AFTER = 4;

export class Sequence {
  /** Known to be lost. Never falls. */
  lost = 0;
  /** Messages that came with the number that was expected. */
  matches = 0;
  #expected = -1;
  /** Missing, but it may be on its way yet. */
  #gap = 0;
  #gapFrom = 0;
  #sinceGap = 0;
  #behind = 0;

  /** Of a message with `units` numbered things; its number is that of the first of them, modulo 2^32. */
  observe(number: number, units: number): void {
    const step = (number - this.#expected) | 0;
    if (step === 0 && this.#expected >= 0) this.matches += 1;
    if (this.#expected < 0 || step === 0) return this.#advance(number, units);
    if (step < 0) return this.#observeLate(number, units);
    this.#settle();
    if (step <= LARGEST_GAP) this.#gap = step;
    this.#gapFrom = this.#expected;
    this.#sinceGap = 0;
    this.#advance(number, units);
  }

  /** The number of the next message cannot be told: how much this one held is not known. */
  forget(): void {
    this.#expected = -1;
  }

  #observeLate(number: number, units: number): void {
    this.#behind += 1;
    const isOfGap = this.#gap > 0 && ((number - this.#gapFrom) | 0) >= 0;
    if (isOfGap) this.#gap = Math.max(0, this.#gap - units);
    if (this.#behind < (isOfGap ? REORDERED_WITHIN : RESTARTED_AFTER)) return;
    // It was the message before the gap's end that was astray, as one of another count.
    this.#gap = 0;
    this.#advance(number, units);
  }

  #advance(number: number, units: number): void {
    this.#behind = 0;
    this.#expected = (number + units) >>> 0;
    this.#sinceGap += 1;
    if (this.#sinceGap >= REORDERED_WITHIN) this.#settle();
  }

  #settle(): void {
    this.lost += this.#gap;
    this.#gap = 0;
  }
}

/**
 * IPFIX: a message has the number of its first data record, those of options among them (RFC 7011 section 3.1). softflowd
 * 1.1.0 gives it that of its last flow record, and does not count options. Whichever way comes true more often is the exporter's.
 */
export class IpfixSequence {
  readonly #ofFirst = new Sequence();
  readonly #ofLast = new Sequence();
  /** Known to be lost. Never falls. */
  lost = 0;

  /** Of a message with so many data records, of which so many are of flows. */
  observe(number: number, records: number, flowRecords: number): void {
    this.#ofFirst.observe(number, records);
    this.#ofLast.observe((number - flowRecords) >>> 0, flowRecords);
    const isOfLast = this.#ofLast.matches > this.#ofFirst.matches;
    this.lost = Math.max(this.lost, (isOfLast ? this.#ofLast : this.#ofFirst).lost);
  }

  /** As Sequence has it. */
  forget(): void {
    this.#ofFirst.forget();
    this.#ofLast.forget();
  }
}
