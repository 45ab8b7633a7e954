/**
 * Handshakes that strangers have open with tenants: who acknowledges the number that a tenant sent him has received it, and is where he
 * says he is. Fixed in size; a newer one takes the place of an older one.
 */
import type { Milliseconds } from '../../probes/probe.ts';

const DOOR_WORDS = 256;
export const DOOR_WORD_SHIFT = 24;
export const DOOR_BIT_SHIFT = 19;
const SLOTS = 1024;
const SLOT_SHIFT = 22;
/** RFC 6298: a SYN-ACK that nobody acknowledges is sent again after 1 s. */
const KEPT_MS = 4000;

export class Handshakes {
  /** For the packet loop: one bit a client, by its hash. */
  readonly door = new Int32Array(DOOR_WORDS);
  readonly #contacts = new Int32Array(SLOTS);
  readonly #acks = new Int32Array(SLOTS);
  #turnedMs: Milliseconds = 0;

  /** Time is that of the window that begins. */
  turnTo(nowMs: Milliseconds): void {
    if (Math.abs(nowMs - this.#turnedMs) < KEPT_MS) return;
    this.door.fill(0);
    this.#contacts.fill(0);
    this.#turnedMs = nowMs;
  }

  /** A SYN-ACK to the client, of a contact by its hash, that is acknowledged by `ack`. */
  expect(clientHash: number, contact: number, ack: number): void {
    this.door[clientHash >>> DOOR_WORD_SHIFT]! |= 1 << (clientHash >>> DOOR_BIT_SHIFT);
    const slot = contact >>> SLOT_SHIFT;
    this.#contacts[slot] = contact;
    this.#acks[slot] = ack;
  }

  /** Whether that is what was waited for; it is waited for no more. */
  complete(contact: number, ack: number): boolean {
    const slot = contact >>> SLOT_SHIFT;
    if (this.#contacts[slot] !== contact || this.#acks[slot] !== ack) return false;
    this.#contacts[slot] = 0;
    return true;
  }
}
