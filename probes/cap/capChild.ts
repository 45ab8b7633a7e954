/**
 * The process in which `cap` captures: stamps each frame, copies what is wanted of it into a batch and sends the batches
 * through a pipe. `cap` aborts its process when the interface goes down, so nothing else is in here, and nothing is kept.
 */
import { createRequire } from 'node:module';
import { argv } from 'node:process';
import { writeSync } from 'node:fs';
import { BatchWriter } from './batchWriter.ts';
import { FLUSH_MS } from './capOptions.ts';
import { type ChildSettings, BATCH_FD, CANNOT_START } from './childSettings.ts';
import { type KernelCounters, findPacketSocket } from './kernelCounters.ts';
import { linkTypeOf } from './linkType.ts';
import { loadLibc } from '../libc.ts';
import { FRAME_OUTGOING, LINKTYPE_LINUX_SLL } from '../probe.ts';
import { dieWithParent, giveUpRights } from './rights.ts';
import { type SnapLength, snapLengthFor } from './snapLength.ts';
import { WallClock } from './wallClock.ts';

/** The part of `cap` that is used; it has no types of its own. */
interface NativeCap {
  open(device: string, filter: string, bufferBytes: number, frame: Buffer): string;
}
type CapModule = { readonly Cap: new () => NativeCap };

/** How often the counters are told when no frame comes, and a parent that is gone is noticed. */
const REPORT_MS = 100;
/** cap's snap length, 65,535, rounded up to words. */
const LONGEST_FRAME_BYTES = 1 << 16;
/** First bytes of Linux' cooked header: the packet type, in network order. */
const SLL_OUTGOING = 4;
const EAGAIN = 11;

/** `cap` keeps no reference to it, and writes to it for ever. */
const frame = Buffer.alloc(LONGEST_FRAME_BYTES);
const words = new Uint32Array(frame.buffer, frame.byteOffset, LONGEST_FRAME_BYTES / 4);
const libc = loadLibc();
const clock = new WallClock();

function loadCap(): CapModule {
  try {
    const module: CapModule = createRequire(import.meta.url)('cap');
    return module;
  } catch (cause) {
    throw new Error(
      `it cannot be loaded: ${messageOf(cause).split('\n', 1)[0]} ` +
        '(apt-get install g++ make python3 libpcap-dev, then sh systemd/setup.sh cap; capture: ring needs none of it)',
      { cause },
    );
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Without destructors: those of `cap` crash after an open that failed, and where libuv's loop is gone. */
const exit = libc.declare('void _exit(int status)');

function makeWriter(linkType: number, counters: KernelCounters | null): BatchWriter {
  const write = libc.declare('intptr_t write(int fd, const void *bytes, size_t length)');
  return new BatchWriter(linkType, {
    write(bytes) {
      const written = write(BATCH_FD, bytes, bytes.length);
      if (written < 0 && libc.errno() !== EAGAIN) exit(0); // EPIPE: nobody reads any more
      return written;
    },
    droppedByKernel: () => counters?.dropped() ?? null,
  });
}

/** What `cap` calls for each packet; set once the link type is known, before the event loop gives the first. */
let receive: (length: number) => void = () => {};

function receiver(linkType: number, snapLengthOf: SnapLength, writer: BatchWriter): (length: number) => void {
  let firstMs = 0;
  let isTimed = false;
  // A flood starves timers: `cap` reads until its ring is empty.
  const flushInTime = (): void => {
    writer.flush();
    isTimed = writer.isPending;
    if (isTimed) setTimeout(flushInTime, FLUSH_MS);
  };
  return (length) => {
    const timeMs = clock.now();
    const isOutgoing = linkType === LINKTYPE_LINUX_SLL && frame[0] === 0 && frame[1] === SLL_OUTGOING;
    if (writer.count === 0) firstMs = timeMs;
    writer.add(words, frame, snapLengthOf(frame, length), length, timeMs, isOutgoing ? FRAME_OUTGOING : 0);
    if (timeMs - firstMs >= FLUSH_MS) writer.flush();
    if (isTimed) return;
    isTimed = true;
    setTimeout(flushInTime, FLUSH_MS);
  };
}

function capture(settings: ChildSettings): void {
  const { Cap } = loadCap();
  // It takes `emit` once, when it is made: there is no emitter between it and us.
  class Tap extends Cap {
    emit(_event: string, length: number): void {
      receive(length);
    }
  }
  const tap = new Tap();
  const linkType = linkTypeOf(tap.open(settings.interface, settings.filter, settings.bufferBytes, frame));
  const writer = makeWriter(linkType, findPacketSocket(libc));
  const snapLengthOf = snapLengthFor(linkType, settings.snapLength, settings.signallingPorts);
  receive = receiver(linkType, snapLengthOf, writer);
  giveUpRights(libc);
  dieWithParent(libc);
  if (process.ppid !== settings.parentPid) exit(0);
  setInterval(() => {
    clock.correct();
    writer.report();
  }, REPORT_MS);
  writer.report(); // it has begun
}

dieWithParent(libc);
const settings: ChildSettings = JSON.parse(argv[2] ?? '');
try {
  if (process.ppid !== settings.parentPid) exit(0);
  capture(settings);
} catch (error) {
  writeSync(2, `${messageOf(error)}\n`);
  exit(CANNOT_START);
}
