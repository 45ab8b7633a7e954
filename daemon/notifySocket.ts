/** The service manager's socket (sd_notify(3)): a datagram of lines is told to it, and never waited for. */
import { AF_UNIX, loadLibc, SOCK_CLOEXEC, SOCK_DGRAM } from '../probes/libc.ts';

/** send(2) */
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
/** struct sockaddr_un of unix(7): u16 family, then the path. */
const PATH_OFFSET = 2;
const MAX_PATH_BYTES = 107;

export class NotifySocket {
  readonly #address: Uint8Array;
  readonly #fd: number;

  /** `path` as $NOTIFY_SOCKET has it: absolute, or an abstract name that begins with @. Throws where it is neither, or no socket is to be had. */
  constructor(path: string) {
    this.#address = addressOf(path);
    this.#fd = loadLibc().socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (this.#fd < 0) throw new Error(`Cannot open a unix socket: error ${loadLibc().errno()}`);
  }

  /** Whether all of the lines, in one datagram, were taken. */
  send(...lines: readonly string[]): boolean {
    const libc = loadLibc();
    const sendto = libc.declare(
      'int64_t sendto(int fd, void *bytes, size_t size, int flags, void *address, uint32_t length)',
    );
    const bytes = Buffer.from(lines.join('\n'));
    const { length } = this.#address;
    return sendto(this.#fd, bytes, bytes.length, MSG_DONTWAIT | MSG_NOSIGNAL, this.#address, length) === bytes.length;
  }

  close(): void {
    loadLibc().close(this.#fd);
  }
}

function addressOf(path: string): Uint8Array {
  const bytes = Buffer.from(path);
  if (!/^[/@]./.test(path) || bytes.length > MAX_PATH_BYTES)
    throw new RangeError(`Cannot tell the service manager: NOTIFY_SOCKET is no path of a socket (${path})`);
  const isAbstract = path.startsWith('@');
  // An abstract name begins with a zero byte and ends with the address; a path ends with a zero byte.
  const address = Buffer.alloc(PATH_OFFSET + bytes.length + (isAbstract ? 0 : 1));
  address.writeUInt16LE(AF_UNIX, 0);
  bytes.copy(address, PATH_OFFSET);
  if (isAbstract) address[PATH_OFFSET] = 0;
  return address;
}
