/** pcapng files built block by block, in either byte order. */
import { words } from './captureFile.ts';

const padded = (bytes: Uint8Array): Uint8Array => Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);

/** Blocks of one byte order (draft-ietf-opsawg-pcapng). */
export function pcapngWriter(isLittleEndian = true) {
  const u32 = (...values: readonly number[]): Uint8Array => words(isLittleEndian, ...values);
  const u16 = (low: number, high: number): Uint8Array => {
    const view = new DataView(new ArrayBuffer(4));
    view.setUint16(0, low, isLittleEndian);
    view.setUint16(2, high, isLittleEndian);
    return new Uint8Array(view.buffer);
  };
  const block = (type: number, ...body: readonly Uint8Array[]): Uint8Array => {
    const bytes = padded(Buffer.concat(body));
    return Buffer.concat([u32(type, bytes.length + 12), bytes, u32(bytes.length + 12)]);
  };
  const option = (code: number, value: Uint8Array): Uint8Array =>
    Buffer.concat([u16(code, value.length), padded(value)]);
  const time = (units: bigint): Uint8Array => u32(Number(units >> 32n), Number(units & 0xffff_ffffn));
  return {
    block,
    u32,
    option,
    section: () => block(0x0a0d0d0a, u32(0x1a2b3c4d), u16(1, 0), u32(0xffff_ffff, 0xffff_ffff)),
    on: (linkType: number, snapLength = 0, ...options: readonly Uint8Array[]) =>
      block(1, u16(linkType, 0), u32(snapLength), ...options),
    enhanced: (id: number, units: bigint, bytes: Uint8Array, wireLength = bytes.length) =>
      block(6, u32(id), time(units), u32(bytes.length, wireLength), bytes),
    obsolete: (id: number, units: bigint, bytes: Uint8Array, wireLength = bytes.length) =>
      block(2, u16(id, 0), time(units), u32(bytes.length, wireLength), bytes),
    simple: (bytes: Uint8Array, wireLength = bytes.length) => block(3, u32(wireLength), bytes),
  };
}
