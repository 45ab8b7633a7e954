/**
 * Whose doing is no finding of a detector, because its configuration lists them: scanners of one's own, monitoring,
 * speed-test servers. Looked up for findings and readings alone, never for packets.
 */
import { isInside, parseAddress, parsePrefix, type Prefix } from '../../tenants/prefix.ts';
import type { Detector, DetectorContext, Finding, Reading } from '../detector.ts';

/** Where no offender is known: so much of the packets comes from addresses that are listed. */
const LISTED_SHARE = 0.8;

/** The detector without findings of what is listed; its readings say so. */
export function allowing(detector: Detector, entries: readonly string[], context: DetectorContext): Detector {
  if (entries.length === 0) return detector;
  const list = new AllowList(entries, context);
  return {
    id: detector.id,
    signatures: detector.signatures,
    observe: (window) =>
      detector.observe(window).filter((finding) => list.entryOf(finding) === null && !list.hasMostSources(finding)),
    explain: (window, tenant) => detector.explain(window, tenant).map((reading) => marked(reading, list)),
    save: () => detector.save(),
    restore: (state) => detector.restore(state),
  };
}

function marked(reading: Reading, list: AllowList): Reading {
  const entry = list.entryOf(reading);
  return entry === null ? reading : { ...reading, reason: `${entry} is on the allow list` };
}

class AllowList {
  readonly #prefixes: readonly { readonly entry: string; readonly prefix: Prefix }[];
  readonly #tenants: ReadonlySet<string>;
  readonly #context: DetectorContext;

  /** Texts of prefixes have a slash. */
  constructor(entries: readonly string[], context: DetectorContext) {
    this.#prefixes = entries.flatMap((entry) => {
      const prefix = entry.includes('/') ? parsePrefix(entry) : null;
      return prefix === null ? [] : [{ entry, prefix }];
    });
    this.#tenants = new Set(entries.filter((entry) => !entry.includes('/')));
    this.#context = context;
  }

  /** The entry for the one that does it, or for the stranger to whom a tenant does it; null: there is none. */
  entryOf({ direction, offender, victim }: Pick<Finding, 'direction' | 'offender' | 'victim'>): string | null {
    const byOffender = offender === null ? null : this.#entryFor(offender);
    return byOffender ?? (direction === 'outbound' && victim !== null ? this.#prefixWith(victim) : null);
  }

  hasMostSources({ offender, evidence }: Finding): boolean {
    if (offender !== null || evidence.tier === 'sample') return false;
    const listed = evidence.topSources.filter(({ address }) => this.#entryFor(address) !== null);
    return listed.reduce((sum, { share }) => sum + share, 0) >= LISTED_SHARE;
  }

  /** `who` is an address or the id of a tenant. */
  #entryFor(who: string): string | null {
    if (this.#tenants.has(who)) return who;
    const words = parseAddress(who);
    if (words === null) return null;
    const { tenants, directory } = this.#context;
    const owner = tenants[directory.lookup(...words) - 1]?.id;
    return owner !== undefined && this.#tenants.has(owner) ? owner : this.#prefixWith(who);
  }

  #prefixWith(address: string): string | null {
    const words = parseAddress(address);
    return (words && this.#prefixes.find(({ prefix }) => isInside(prefix, words))?.entry) ?? null;
  }
}
