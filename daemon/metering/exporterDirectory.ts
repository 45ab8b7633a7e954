/** The exporters that are configured: whether an address is one of theirs, and how it samples. */
import { TenantDirectory } from '../tenants/directory.ts';
import { parseAddress } from '../tenants/prefix.ts';
import { formatAddress } from './address.ts';
import type { ExporterConfig } from './collectorProtocol.ts';

export class ExporterDirectory {
  readonly #exporters: readonly ExporterConfig[];
  /** The same trie as for tenants: an exporter's number is its place in the list, from 1. */
  readonly #directory: TenantDirectory;

  constructor(exporters: readonly ExporterConfig[]) {
    this.#exporters = exporters;
    this.#directory = new TenantDirectory(
      exporters.map(({ prefix }) => ({
        id: prefix,
        addresses: [prefix],
        macs: [],
        plan: { portBps: null, guaranteed: false, threshold: null, limitBps: null },
      })),
    );
  }

  /** The address as text; null: it is nobody's whose records are taken. */
  admit(w0: number, w1: number, w2: number, w3: number): string | null {
    return this.#directory.lookup(w0, w1, w2, w3) === 0 ? null : formatAddress(w0, w1, w2, w3);
  }

  /** As configured for the longest prefix; null: nothing is. */
  samplingOf(address: string): number | null {
    const words = parseAddress(address);
    return words === null ? null : (this.#exporters[this.#directory.lookup(...words) - 1]?.sampling ?? null);
  }
}
