/** Looks up a network interface by name: its present index and its flags. */
import { readFileSync } from 'node:fs';
import { AF_UNIX, type Libc, SIOCGIFFLAGS, SIOCGIFINDEX, SOCK_CLOEXEC, SOCK_DGRAM } from '../libc.ts';
import { ProbeError } from '../probeError.ts';

/** struct ifreq of netdevice(7): the name, NUL-terminated, then a union (here an int index or short flags). */
const IFREQ_BYTES = 40;
const IFNAMSIZ = 16;
/** How often a busy interface is looked after, and how long its last frames may take to be read once another has its name. */
const LOOK_EVERY_MS = 250;
const LAST_FRAMES_MS = 1000;

export class InterfaceWatch {
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #request = new DataView(new ArrayBuffer(IFREQ_BYTES));

  #lookedMs = Number.NEGATIVE_INFINITY;
  /** When another than the one that is captured on was first seen to have the name; Infinity: none has it. */
  #supersededMs = Infinity;

  constructor(libc: Libc, name: string) {
    const encoded = Buffer.from(name);
    if (encoded.length === 0 || encoded.length >= IFNAMSIZ) throw noSuchInterface(name);
    new Uint8Array(this.#request.buffer).set(encoded);
    this.#libc = libc;
    // Any socket will do; it stays in the network namespace that it was made in.
    this.#fd = libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (this.#fd < 0) throw ProbeError.ofErrno(`look up interface ${name}`, libc.errno());
  }

  /** The interface's index now; null: there is none of this name. */
  index(): number | null {
    return this.#ask(SIOCGIFINDEX) ? this.#request.getInt32(IFNAMSIZ, true) : null;
  }

  /** IFF_* bits; 0: there is no such interface. */
  flags(): number {
    return this.#ask(SIOCGIFFLAGS) ? this.#request.getUint16(IFNAMSIZ, true) : 0;
  }

  /**
   * Whether another interface than that of `index` has had the name for a second, as where the old one lives on by another
   * name. Costs next to nothing: it is asked before each block.
   */
  isSuperseded(index: number | null): boolean {
    const nowMs = performance.now();
    if (nowMs - this.#lookedMs < LOOK_EVERY_MS) return false;
    this.#lookedMs = nowMs;
    const present = this.index();
    this.#supersededMs = present === null || present === index ? Infinity : Math.min(this.#supersededMs, nowMs);
    return nowMs - this.#supersededMs >= LAST_FRAMES_MS;
  }

  close(): void {
    this.#libc.close(this.#fd);
  }

  #ask(what: number): boolean {
    return this.#libc.ioctl(this.#fd, what, this.#request) === 0;
  }
}

export function noSuchInterface(name: string): ProbeError {
  return new ProbeError(`Cannot capture on ${name}: no such interface (there are: ${interfaceNames().join(', ')})`);
}

/** All interfaces of this network namespace. */
function interfaceNames(): string[] {
  const [, , ...lines] = readFileSync('/proc/thread-self/net/dev', 'utf8').trimEnd().split('\n');
  return lines.map((line) => line.slice(0, line.lastIndexOf(':')).trim());
}
