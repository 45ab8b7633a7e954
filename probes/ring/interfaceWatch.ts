/** Looks up a network interface by name: its present index and its flags. */
import { readFileSync } from 'node:fs';
import { AF_UNIX, type Libc, SIOCGIFFLAGS, SIOCGIFINDEX, SOCK_CLOEXEC, SOCK_DGRAM } from '../libc.ts';
import { ProbeError } from '../probeError.ts';

/** struct ifreq of netdevice(7): the name, NUL-terminated, then a union (here an int index or short flags). */
const IFREQ_BYTES = 40;
const IFNAMSIZ = 16;

export class InterfaceWatch {
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #request = new DataView(new ArrayBuffer(IFREQ_BYTES));

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
