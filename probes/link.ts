/** What the kernel says of an interface's link: sysfs, Documentation/ABI/testing/sysfs-class-net. Unknown is null. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface Link {
  /** null: not known, or there is none, as of a veth, which claims 10 Gbit/s. */
  readonly speedBps: number | null;
  readonly isFullDuplex: boolean | null;
  readonly mtuBytes: number | null;
  /** Frames for other stations are received too, whoever asked for them. */
  readonly isPromiscuous: boolean | null;
}

const IFF_PROMISC = 0x100;

/** Of the network namespace that /sys was mounted in; all null where there is no such interface. */
export async function readLink(name: string, folder = '/sys/class/net'): Promise<Link> {
  const at = join(folder, name);
  const [entries, speed, duplex, mtu, flags] = await Promise.all([
    readdir(at).catch(() => []),
    read(join(at, 'speed')),
    read(join(at, 'duplex')),
    read(join(at, 'mtu')),
    read(join(at, 'flags')),
  ]);
  const isReal = hasMedium(entries);
  return {
    speedBps: isReal ? speedOf(speed) : null,
    isFullDuplex: isReal && (duplex === 'full' || duplex === 'half') ? duplex === 'full' : null,
    mtuBytes: numberOf(mtu),
    isPromiscuous: flags === null ? null : (Number(flags) & IFF_PROMISC) !== 0,
  };
}

/** A device of its own, or one that goes through others that have one: a bond, a VLAN; a bridge has ports, not a medium. */
const hasMedium = (entries: readonly string[]): boolean =>
  entries.includes('device') || (!entries.includes('bridge') && entries.some((each) => each.startsWith('lower_')));

/** In Mbit/s; -1, or EINVAL, while there is no carrier or the driver does not know. */
function speedOf(text: string | null): number | null {
  const megabits = numberOf(text);
  return megabits === null || megabits <= 0 ? null : megabits * 1e6;
}

const numberOf = (text: string | null): number | null => (text === null || text === '' ? null : Number(text));

async function read(path: string): Promise<string | null> {
  return readFile(path, 'utf8').then(
    (text) => text.trim(),
    () => null,
  );
}
