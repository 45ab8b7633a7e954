/** What a file is that is no capture that Weir reads, and how to make one of it. */

const CONVERT = 'convert it with editcap IN OUT.pcapng';
const unpackedBy = (tool: string): string => `packed by ${tool}: ${tool} -dc FILE | weir replay -`;

/** By the first bytes, in hexadecimal. */
const FORMATS: readonly (readonly [magic: string, description: string])[] = [
  ['736e6f6f7000', `a snoop capture (RFC 1761): ${CONVERT}`],
  ['474d4255', `a capture of Microsoft Network Monitor: ${CONVERT}`],
  ['425a68', unpackedBy('bzip2')],
  ['fd377a585a00', unpackedBy('xz')],
  ['28b52ffd', unpackedBy('zstd')],
  ['04224d18', unpackedBy('lz4')],
];

/** The end of a message; empty: nobody knows. */
export function describeForeign(start: Uint8Array): string {
  const hex = Buffer.from(start.subarray(0, 8)).toString('hex');
  const format = FORMATS.find(([magic]) => hex.startsWith(magic));
  return format === undefined ? '' : `; it is ${format[1]}`;
}
