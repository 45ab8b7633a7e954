/**
 * The bytes that a gzip file holds (RFC 1952; one member or several), unpacked as they are asked for. node:zlib can do this by
 * callbacks alone, and loses what it has unpacked when it comes upon an error; so the zlib that Node.js carries is called through
 * koffi. It writes to where the caller wants the bytes: nothing grows, whatever they unpack to.
 */
import { loadLibc, type Libc } from '../libc.ts';
import type { ByteInput, InputProblem } from './byteInput.ts';

const PACKED_BYTES = 65_536;

/** zlib.h; struct z_stream of 64-bit platforms: next_in at 0, avail_in at 8, next_out at 24, avail_out at 32. */
const Z_STREAM_BYTES = 112;
const NEXT_IN = 0;
const AVAILABLE_IN = 8;
const NEXT_OUT = 24;
const AVAILABLE_OUT = 32;
const Z_OK = 0;
const Z_STREAM_END = 1;
const Z_BUF_ERROR = -5;
const Z_NO_FLUSH = 0;
/** A window of 2^15 bytes, and 16 for gzip's header and trailer. */
const GZIP_WINDOW_BITS = 15 + 16;
/** Only the first digit is compared with zlib's own. */
const ZLIB_VERSION = Uint8Array.of(0x31, 0);

const MAGIC = [0x1f, 0x8b] as const;

/** Whether a file that starts so is packed by gzip. */
export const isGzip = (start: Uint8Array): boolean => MAGIC.every((byte, i) => start[i] === byte);

export class GunzipInput implements ByteInput {
  readonly #packed: ByteInput;
  readonly #libc: Libc;
  readonly #inflate: ReturnType<Libc['declare']>;
  readonly #reset: ReturnType<Libc['declare']>;
  readonly #stream = new DataView(new ArrayBuffer(Z_STREAM_BYTES));
  /** Packed bytes that are still to be unpacked: from … to. */
  readonly #bytes = new Uint8Array(PACKED_BYTES);
  readonly #bytesAddress: bigint;
  #from = 0;
  #to = 0;
  /** How many bytes of the file have been unpacked. */
  #taken = 0;
  #isBetweenMembers = false;
  #problem: InputProblem | null = null;

  /** Closes `packed` with itself. Throws a ProbeError without koffi. */
  constructor(packed: ByteInput) {
    this.#packed = packed;
    this.#libc = loadLibc();
    this.#inflate = this.#libc.declare('int inflate(void *stream, int flush)');
    this.#reset = this.#libc.declare('int inflateReset(void *stream)');
    this.#bytesAddress = this.#libc.address(this.#bytes);
    const init = this.#libc.declare('int inflateInit2_(void *stream, int windowBits, void *version, int streamBytes)');
    if (init(this.#stream, GZIP_WINDOW_BITS, ZLIB_VERSION, Z_STREAM_BYTES) !== Z_OK)
      throw new RangeError('Cannot unpack: zlib has no memory');
  }

  get problem(): InputProblem | null {
    return this.#problem;
  }

  get readBytes(): number {
    return this.#packed.readBytes;
  }

  get totalBytes(): number | null {
    return this.#packed.totalBytes;
  }

  read(bytes: Uint8Array<ArrayBuffer>, at: number, length: number): number {
    const address = this.#libc.address(bytes) + BigInt(at);
    while (this.#problem === null) {
      if (this.#isBetweenMembers && !this.#startMember()) return 0;
      // With nothing left to take, too: zlib may have had no room for all that it knew.
      const unpacked = this.#unpack(address, length);
      if (unpacked > 0) return unpacked;
      if (this.#from === this.#to && !this.#isBetweenMembers && !this.#refill()) this.#fail('gzip stream truncated');
    }
    return 0;
  }

  close(): void {
    this.#libc.declare('int inflateEnd(void *stream)')(this.#stream);
    this.#packed.close();
  }

  /** False at the end of the file. */
  #refill(): boolean {
    this.#from = 0;
    this.#to = this.#packed.read(this.#bytes, 0, PACKED_BYTES);
    return this.#to > 0;
  }

  /** Members stand one behind the other, perhaps with zeros between them (gzip(1)). False: there is no other. */
  #startMember(): boolean {
    while (this.#from === this.#to || this.#bytes[this.#from] === 0) {
      if (this.#from < this.#to) this.#take(1);
      else if (!this.#refill()) return false;
    }
    if (this.#bytes[this.#from] !== MAGIC[0]) return this.#fail('bytes behind the end of the gzip stream');
    this.#isBetweenMembers = false;
    return this.#reset(this.#stream) === Z_OK;
  }

  #unpack(address: bigint, length: number): number {
    const stream = this.#stream;
    const packed = this.#to - this.#from;
    stream.setBigUint64(NEXT_IN, this.#bytesAddress + BigInt(this.#from), true);
    stream.setUint32(AVAILABLE_IN, packed, true);
    stream.setBigUint64(NEXT_OUT, address, true);
    stream.setUint32(AVAILABLE_OUT, length, true);
    const status = this.#inflate(stream, Z_NO_FLUSH);
    this.#take(packed - stream.getUint32(AVAILABLE_IN, true));
    if (status === Z_STREAM_END) this.#isBetweenMembers = true;
    else if (status !== Z_OK && status !== Z_BUF_ERROR) this.#fail('gzip stream corrupt');
    return length - stream.getUint32(AVAILABLE_OUT, true);
  }

  #take(count: number): void {
    this.#from += count;
    this.#taken += count;
  }

  #fail(reason: string): false {
    this.#problem = { reason, offset: this.#taken };
    return false;
  }
}
