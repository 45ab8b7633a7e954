/** Hardware addresses that forward what others send: whom these ask for by ARP somebody else wants. */
import { isIpv4 } from '../../metering/address.ts';
import type { PairLine } from '../../metering/pairTable.ts';
import { keepLatest } from './keepLatest.ts';

const MAX_REMEMBERED = 4096;

export class Routers {
  /** By hardware address, the IPv4 address that it first had; null: it forwards. */
  readonly #known = new Map<number, number | null>();

  learn({ mac, initiator }: PairLine): void {
    if (mac === 0 || !isIpv4(initiator)) return;
    const known = this.#known.get(mac);
    if (known === undefined) keepLatest(this.#known, mac, initiator[3], MAX_REMEMBERED);
    else if (known !== null && known >>> 8 !== initiator[3] >>> 8) this.#known.set(mac, null);
  }

  has(mac: number): boolean {
    return this.#known.get(mac) === null;
  }
}
