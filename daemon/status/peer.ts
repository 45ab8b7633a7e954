/** Who is at the other end of a unix socket, by the kernel's word (unix(7), SO_PEERCRED). */
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { loadLibc, SOL_SOCKET } from '../../probes/libc.ts';

/** asm-generic/socket.h. struct ucred: pid, uid and gid, 32 bits each. */
const SO_PEERCRED = 17;
const UCRED_BYTES = 12;
/** (uid_t) -1: nobody has logged in (proc_pid_loginuid(5)). */
const NO_LOGIN = 0xffff_ffff;

/** The user's name; behind it in brackets who logged in, where that is another: `root (ada)`. `unknown`: the kernel does not say. */
export function peerName(socket: Socket): string {
  const fd = descriptorOf(socket);
  const credentials = new Uint32Array(UCRED_BYTES / 4);
  if (fd === null) return 'unknown';
  const length = Uint32Array.of(UCRED_BYTES);
  if (loadLibc().getsockopt(fd, SOL_SOCKET, SO_PEERCRED, credentials, length) !== 0) return 'unknown';
  const [pid = 0, uid = 0] = credentials;
  const login = loginOf(pid);
  return login === null || login === uid ? userName(uid) : `${userName(uid)} (${userName(login)})`;
}

/** node:net has the descriptor but does not show it. */
function descriptorOf(socket: Socket): number | null {
  const handle: unknown = Reflect.get(socket, '_handle');
  if (typeof handle !== 'object' || handle === null) return null;
  const fd: unknown = Reflect.get(handle, 'fd');
  return typeof fd === 'number' && fd >= 0 ? fd : null;
}

/** Who logged in, whatever became of the process since (sudo, su); null: not known. */
function loginOf(pid: number): number | null {
  try {
    const uid = Number(readFileSync(`/proc/${pid}/loginuid`, 'utf8'));
    return Number.isInteger(uid) && uid !== NO_LOGIN ? uid : null;
  } catch {
    return null; // The process is gone, or the kernel has no audit.
  }
}

const userName = (uid: number): string => nameIn('/etc/passwd', uid) ?? `uid ${uid}`;

/** The name of a line of passwd(5) or group(5) by the number in its third field. */
function nameIn(path: string, id: number): string | null {
  return entriesOf(path).find((fields) => fields[2] === String(id))?.[0] ?? null;
}

/** The number of a group of group(5); null: there is none. */
export function groupId(name: string): number | null {
  const id = entriesOf('/etc/group').find((fields) => fields[0] === name)?.[2];
  return id === undefined ? null : Number(id);
}

function entriesOf(path: string): string[][] {
  try {
    return readFileSync(path, 'utf8')
      .split('\n')
      .map((line) => line.split(':'));
  } catch {
    return [];
  }
}
