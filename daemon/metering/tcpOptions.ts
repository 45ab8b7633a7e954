/** Looks through the options of a TCP header (RFC 9293 section 3.2) for one whose length cannot be: what is written to break who reads it. */
const END = 0;
const NO_OPERATION = 1;
/** RFC 9293: kind and length themselves. */
const LEAST_BYTES = 2;

/**
 * Of options with one length alone: maximum segment size (RFC 9293), window scale, time stamps (RFC 7323), selective
 * acknowledgements permitted (RFC 2018), MD5 (RFC 2385).
 */
const EXACT_BYTES: Readonly<Record<number, number>> = { 2: 4, 3: 3, 4: 2, 8: 10, 19: 18 };
/** RFC 5925: its two keys' numbers belong to it (CVE-2019-12260 is about one of three bytes). */
const AUTHENTICATION = 29;
const AUTHENTICATION_BYTES = 4;

/** Whether an option of bytes `start` … `end` - 1 has a length that is not its kind's, or goes beyond them; at most 40 bytes. */
export function hasBadOption(view: DataView, start: number, end: number): boolean {
  for (let at = start; at < end;) {
    const kind = view.getUint8(at);
    if (kind === END) return false;
    if (kind === NO_OPERATION) {
      at += 1;
      continue;
    }
    const length = at + 1 < end ? view.getUint8(at + 1) : 0;
    if (length < LEAST_BYTES || at + length > end || length !== (EXACT_BYTES[kind] ?? length)) return true;
    if (kind === AUTHENTICATION && length < AUTHENTICATION_BYTES) return true;
    at += length;
  }
  return false;
}
