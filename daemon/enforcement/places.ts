/** Where a tenant's port is limited, or why it is exempt: the last word before tc, for limits become a `Limit` here alone. */
import { type ObservationPoint, pointsOf } from '../tenants/accounting.ts';
import { covers, networkOf, parsePrefix, type Prefix } from '../tenants/prefix.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type { Limit, StandingLimit } from './limit.ts';
import { ownPrefixes } from './ownPrefixes.ts';

export interface Exempt {
  /** Ids of tenants. */
  readonly tenants: readonly string[];
  /** Who is never limited, and no packet to or from whom. */
  readonly prefixes: readonly string[];
}

export interface PlacesOptions {
  /** By tenant number - 1. */
  readonly tenants: readonly Tenant[];
  readonly interfaces: readonly ObservationPoint[];
  readonly exempt: Exempt;
}

/** A text, why it is exempt, or the limit at each interface, but for the rate. */
type Found = string | readonly Omit<Limit, 'rateBps'>[];

export class Places {
  readonly #options: PlacesOptions;
  readonly #numbers: ReadonlyMap<string, number>;
  readonly #exemptTenants: ReadonlySet<string>;
  readonly #exempt: readonly Prefix[];
  readonly #found = new Map<string, Found>();
  #own: readonly string[] = [];

  constructor(options: PlacesOptions) {
    this.#options = options;
    this.#numbers = new Map(options.tenants.map(({ id }, i) => [id, i + 1]));
    this.#exemptTenants = new Set(options.exempt.tenants);
    this.#exempt = prefixesOf(options.exempt.prefixes);
  }

  tenant(id: string): Tenant | undefined {
    return this.#options.tenants[(this.#numbers.get(id) ?? 0) - 1];
  }

  /** The host's own addresses, as they are now: what belongs to the host is not limited as if it were a tenant's. */
  observeOwn(addresses: readonly string[]): void {
    if (addresses.join() === this.#own.join()) return;
    this.#own = addresses;
    this.#found.clear();
  }

  /** Why the tenant is not limited, whatever it does; null: it may be. */
  exemption(id: string): string | null {
    const found = this.#find(id);
    return typeof found === 'string' ? found : null;
  }

  /** The limit at each of the tenant's own ports, or, where it has none, at each interface to the internet; none where it is exempt. */
  of({ tenant, rateBps }: StandingLimit): Limit[] {
    const found = this.#find(tenant);
    return typeof found === 'string' ? [] : found.map((place) => ({ ...place, rateBps }));
  }

  #find(id: string): Found {
    const before = this.#found.get(id);
    if (before !== undefined) return before;
    const tenant = this.tenant(id);
    const found = tenant === undefined ? 'no such tenant is configured' : this.#place(tenant);
    this.#found.set(id, found);
    return found;
  }

  #place(tenant: Tenant): Found {
    const { id, plan } = tenant;
    const { tenants, interfaces } = this.#options;
    const points = pointsOf(id, interfaces);
    if (plan.guaranteed) return 'plan.guaranteed: its bandwidth is guaranteed';
    if (this.#exemptTenants.has(id)) return 'enforcement.exempt.tenants names it';
    if (points.length === 0) return 'it has no port and no interface faces the internet';
    const addresses = ownPrefixes(tenant, tenants);
    const own = prefixesOf(this.#own);
    if (areCovered(addresses, own)) return "all its addresses are this host's own";
    if (areCovered(addresses, [...own, ...this.#exempt])) return 'enforcement.exempt.prefixes has all its addresses';
    const inside = prefixesOf(addresses);
    const spared = this.#own.filter((_, i) => inside.some((prefix) => covers(prefix, own[i] ?? prefix)));
    const slot = this.#numbers.get(id) ?? 0;
    return points.map(({ name, faces }) => ({ tenant: id, slot, addresses, spared, interface: name, faces }));
  }
}

const prefixesOf = (texts: readonly string[]): Prefix[] =>
  texts.map(parsePrefix).flatMap((prefix) => (prefix === null ? [] : [networkOf(prefix)]));

const areCovered = (addresses: readonly string[], by: readonly Prefix[]): boolean =>
  addresses.length > 0 && prefixesOf(addresses).every((inner) => by.some((prefix) => covers(prefix, inner)));
