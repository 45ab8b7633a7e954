/** A tun device for tests: a link without a layer 2, whose far end is a file descriptor. Needs root. */
import assert from 'node:assert/strict';
import { openSync } from 'node:fs';
import { loadLibc } from '../../probes/libc.ts';
import { inNamespace, ip } from './namespace.ts';

const TUNSETIFF = 0x4004_54ca;
const IFF_TUN_NO_PI = 0x1001;

/** Up, with a carrier for as long as the returned file descriptor is open. */
export function openTun(namespace: string, name: string): number {
  const request = new DataView(new ArrayBuffer(40));
  new Uint8Array(request.buffer).set(Buffer.from(name));
  request.setUint16(16, IFF_TUN_NO_PI, true);
  const fd = inNamespace(namespace, () => {
    const opened = openSync('/dev/net/tun', 'r+');
    assert.equal(loadLibc().ioctl(opened, TUNSETIFF, request), 0);
    return opened;
  });
  ip('-n', namespace, 'link', 'set', name, 'up');
  return fd;
}
