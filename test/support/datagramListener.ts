/** A unix datagram socket that listens, as the service manager's does; Node.js has none. */
import assert from 'node:assert/strict';
import { AF_UNIX, loadLibc, SOCK_CLOEXEC, SOCK_DGRAM } from '../../probes/libc.ts';

const MAX_BYTES = 65_536;
const MSG_DONTWAIT = 0x40;

export class DatagramListener {
  readonly #fd: number;

  /** `path`: of a file that is not there yet, or an abstract name that begins with @. */
  constructor(path: string) {
    const address = Buffer.concat([Buffer.of(AF_UNIX, 0), Buffer.from(path.replace(/^@/, '\0'))]);
    const length = path.startsWith('@') ? address.length : address.length + 1;
    this.#fd = loadLibc().socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert.equal(loadLibc().bind(this.#fd, Buffer.concat([address, Buffer.alloc(1)]), length), 0, `bind ${path}`);
  }

  /** The datagrams that have come. */
  read(): string[] {
    const recv = loadLibc().declare('int64_t recv(int fd, void *bytes, size_t size, int flags)');
    const datagrams: string[] = [];
    for (;;) {
      const bytes = Buffer.alloc(MAX_BYTES);
      const size = recv(this.#fd, bytes, bytes.length, MSG_DONTWAIT);
      if (size < 0) return datagrams;
      datagrams.push(bytes.toString('utf8', 0, size));
    }
  }

  close(): void {
    loadLibc().close(this.#fd);
  }
}
