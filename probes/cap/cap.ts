/** Live capture on anything that libpcap can open, by `cap` in a child process that is started again when it dies. */
import type { FrameBlock, PacketProbe, ProbeState, ProbeStatistics } from '../probe.ts';
import type { BatchBlock } from './batch.ts';
import { ANY_INTERFACE, CAP_DEFAULTS, type CapOptions } from './capOptions.ts';
import { CapChild } from './childProcess.ts';
import { IFF_RUNNING, IFF_UP, type Libc, loadLibc } from '../libc.ts';
import { ProbeError } from '../probeError.ts';
import { InterfaceWatch, noSuchInterface } from '../ring/interfaceWatch.ts';

/** The longest uninterrupted wait: how soon an interface that is back is found. */
const LONGEST_WAIT_MS = 250;
/** Between two children; the first wait is also what a link needs that went down and up again. */
const FIRST_RESTART_MS = 250;
const LONGEST_RESTART_MS = 10_000;
/** One that lived so long is followed without a longer wait. */
const STEADY_MS = 5000;
/** It reports ten times a second; one that is silent for so long hangs. */
const LONGEST_SILENCE_MS = 5000;
/** From its start until it captures: a third of a second on a machine that has nothing else to do. */
const LONGEST_START_MS = 20_000;
const CAN_RECEIVE = IFF_UP | IFF_RUNNING;

/**
 * Starts capturing, in the network namespace of the calling thread; needs CAP_NET_RAW. At most one block can be
 * outstanding. Throws ProbeError: no such interface, bad filter, not permitted, `cap` not built.
 */
export function openCap(options: Partial<CapOptions> & Pick<CapOptions, 'interface'>): PacketProbe {
  return new CapProbe(loadLibc(), { ...CAP_DEFAULTS, ...options });
}

class CapProbe implements PacketProbe {
  readonly #libc: Libc;
  readonly #options: CapOptions;
  /** null: the device is no interface, and always there. */
  readonly #watch: InterfaceWatch | null;
  #child: CapChild | null = null;
  /** The interface's index when the child was started. */
  #index: number | null = null;
  #startedMs = 0;
  #heardMs = 0;
  #hasBegun = false;
  #outstanding: BatchBlock | null = null;
  /** It came while the first child was waited for. */
  #early: BatchBlock | null = null;
  #state: ProbeState = 'absent';
  #received = 0;
  /** Of the children that have died, and of the one that is; null: its kernel does not say. */
  #droppedBefore = 0;
  #droppedNow: number | null = 0;
  #attachments = 0;
  #restarts = 0;
  #lastFailure: string | null = null;
  #delayMs = FIRST_RESTART_MS;
  #restartMs = 0;
  #isClosed = false;

  constructor(libc: Libc, options: CapOptions) {
    this.#libc = libc;
    this.#options = options;
    this.#watch = options.interface === ANY_INTERFACE ? null : new InterfaceWatch(libc, options.interface);
    try {
      this.#begin();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  next(timeoutMs: number): FrameBlock | null {
    if (this.#isClosed) throw new ProbeError(`Cannot read from ${this.#options.interface}: it is closed`);
    if (this.#outstanding !== null) {
      throw new ProbeError(`Cannot read from ${this.#options.interface}: the last block was not released`);
    }
    if (this.#child !== null && this.#watch?.isSuperseded(this.#index) === true) this.#supervise();
    const untilMs = performance.now() + timeoutMs;
    const before = this.#state;
    for (;;) {
      this.#outstanding = this.#early ?? this.#receive();
      this.#early = null;
      if (this.#outstanding !== null) return this.#outstanding;
      this.#look();
      const remainingMs = untilMs - performance.now();
      if (remainingMs <= 0 || this.#state !== before) return null;
      if (!this.#wait(Math.min(remainingMs, LONGEST_WAIT_MS))) this.#supervise();
    }
  }

  release(block: FrameBlock): void {
    if (this.#isClosed) return;
    if (block !== this.#outstanding) {
      throw new ProbeError(`Cannot release a block of ${this.#options.interface}: it is not the last one read`);
    }
    this.#outstanding = null;
  }

  statistics(): ProbeStatistics {
    if (!this.#isClosed) this.#look();
    return {
      received: this.#received,
      dropped: this.#dropped(),
      state: this.#state,
      reattached: Math.max(0, this.#attachments - 1),
      restarts: this.#restarts,
      lastFailure: this.#lastFailure,
      ...(this.#options.filter === '' ? {} : { isFiltered: true }),
    };
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#state = 'ended';
    this.#child?.kill('closed');
    this.#watch?.close();
  }

  /** Waits for the first child to capture, so that what can never work is an error of starting. */
  #begin(): void {
    const { interface: name, waitForInterface } = this.#options;
    if (!this.#isThere() && !waitForInterface) throw noSuchInterface(name);
    this.#supervise();
    while (this.#child !== null && !this.#hasBegun) {
      const child = this.#child;
      this.#wait(LONGEST_WAIT_MS);
      this.#early = this.#receive();
      if (this.#child === child && !this.#hasBegun) this.#endSilence();
    }
    // It may have gone while the child was starting.
    if (this.#lastFailure !== null && this.#canReceive()) throw this.#cannotCapture(this.#lastFailure);
    this.#look();
  }

  #cannotCapture(reason: string): ProbeError {
    const { interface: name, filter } = this.#options;
    const filtered = filter === '' ? '' : ` with the filter ${JSON.stringify(filter)}`;
    const hint = /permi/i.test(reason) ? ' (needs CAP_NET_RAW: run as root or through the weir.service unit)' : '';
    return new ProbeError(`Cannot capture on ${name} through cap${filtered}: ${reason}${hint}`);
  }

  /** Takes batches until one has frames; null: there is none yet. */
  #receive(): BatchBlock | null {
    const child = this.#child;
    if (child === null) return null;
    while (child.receive()) {
      const { header, block } = child;
      this.#heardMs = performance.now();
      this.#hasBegun = true;
      if (header !== null) this.#droppedNow = sum(header.droppedByChild, header.droppedByKernel);
      this.#received += block.count;
      if (block.count > 0) return block;
    }
    if (child.ending !== null) this.#mourn(child.ending);
    return null;
  }

  /** Whether the child has something to say. */
  #wait(timeoutMs: number): boolean {
    if (this.#child !== null) return this.#child.poll(timeoutMs);
    const untilRestartMs = this.#restartMs - performance.now();
    const waitMs = untilRestartMs > 0 ? Math.min(timeoutMs, untilRestartMs) : timeoutMs;
    this.#libc.poll(null, 0, Math.ceil(waitMs));
    return false;
  }

  /** Starts a child where there is none, and ends one that hangs, or that captures on an interface that is no more. */
  #supervise(): void {
    if (this.#child !== null) {
      const index = this.#watch?.index() ?? null;
      if (this.#watch !== null && index !== null && index !== this.#index) this.#end('its interface was made anew');
      else this.#endSilence();
    }
    if (this.#child === null && performance.now() >= this.#restartMs && this.#isUp()) this.#start();
  }

  #start(): void {
    const { interface: name, filter, bufferBytes, snapLength, signallingPorts } = this.#options;
    const index = this.#watch?.index() ?? null;
    const isAnother = this.#attachments === 0 || index !== this.#index;
    this.#index = index;
    this.#hasBegun = false;
    this.#droppedNow = 0;
    this.#startedMs = performance.now();
    this.#heardMs = this.#startedMs;
    if (isAnother) this.#attachments++;
    this.#child = new CapChild(this.#libc, { interface: name, filter, bufferBytes, snapLength, signallingPorts });
  }

  #endSilence(): void {
    const longestMs = this.#hasBegun ? LONGEST_SILENCE_MS : LONGEST_START_MS;
    if (performance.now() - this.#heardMs > longestMs) this.#end(`it said nothing for ${longestMs / 1000} s`);
  }

  #end(reason: string): void {
    this.#child?.kill(reason);
    this.#mourn(reason);
  }

  #mourn(reason: string): void {
    const livedMs = performance.now() - this.#startedMs;
    if (livedMs > STEADY_MS) this.#delayMs = FIRST_RESTART_MS;
    this.#child = null;
    this.#hasBegun = false;
    this.#droppedBefore += this.#droppedNow ?? 0;
    this.#droppedNow = 0;
    this.#restarts++;
    this.#lastFailure = reason;
    this.#restartMs = performance.now() + this.#delayMs;
    // An interface that goes down takes the child along, and is no reason to be late when it comes back.
    this.#delayMs = this.#isUp() ? Math.min(this.#delayMs * 2, LONGEST_RESTART_MS) : FIRST_RESTART_MS;
  }

  #isThere(): boolean {
    return this.#watch === null || this.#watch.index() !== null;
  }

  /** Set up: else libpcap does not open it. */
  #isUp(): boolean {
    return this.#watch === null || (this.#watch.flags() & IFF_UP) !== 0;
  }

  #canReceive(): boolean {
    return this.#watch === null || (this.#watch.flags() & CAN_RECEIVE) === CAN_RECEIVE;
  }

  #look(): void {
    const index = this.#watch?.index() ?? null;
    if (!this.#isThere() || (this.#child !== null && index !== this.#index)) this.#state = 'absent';
    else if (!this.#canReceive()) this.#state = 'down';
    else this.#state = this.#hasBegun ? 'up' : 'restarting';
  }

  /** null also while packets may come and nobody captures them. */
  #dropped(): number | null {
    const isBlind = !this.#hasBegun && !this.#isClosed && this.#canReceive();
    return isBlind ? null : sum(this.#droppedBefore, this.#droppedNow);
  }
}

const sum = (a: number, b: number | null): number | null => (b === null ? null : a + b);
