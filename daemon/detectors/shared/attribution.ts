/** Whose flood it is: the tenant that is hit by it, or the one that sends it. */
import { formatAddress } from '../../metering/address.ts';
import type { TopSource } from '../../metering/detailTable.ts';
import type { Direction } from '../../metering/window.ts';
import type { DetectorContext } from '../detector.ts';
import type { Target } from './target.ts';

/** One source with this share is "the" source. */
const DOMINANT_SHARE = 0.8;
/** So many small sources, all of one tenant, are its doing although none of them has a share to speak of. */
const MANY_SOURCES = 8;

/** One packet in eight beyond the first 64 is in the sample behind the top sources. */
const SAMPLED_PACKETS = 192;
const FEW_SOURCES = 3;

export interface Parties {
  readonly tenant: string;
  readonly direction: Direction;
  readonly offender: string | null;
  readonly victim: string;
}

/** Null: neither the target nor those who send most to it are a tenant's. */
export function attribute(target: Target, context: DetectorContext): Parties | null {
  const victim = target.address;
  const own = context.tenants[target.tenant - 1];
  if (own !== undefined)
    return {
      tenant: own.id,
      direction: 'inbound',
      offender: isSampled(target) ? dominant(target.topSources, 1) : null,
      victim,
    };
  const sender = mainSender(target.topSources, context);
  // At a tenant's own port, what is sent to nobody there comes from the tenant, whatever its sources say.
  const tenant = context.tenants[(sender.tenant === 0 ? context.portTenant : sender.tenant) - 1];
  if (tenant === undefined) return null;
  return {
    tenant: tenant.id,
    direction: 'outbound',
    offender: dominant(sender.sources, sender.share) ?? tenant.id,
    victim,
  };
}

/** Of few packets the sample is one or two, of whomever; unless there are hardly any others. */
const isSampled = ({ window, line, distinctSources }: Target): boolean =>
  distinctSources <= FEW_SOURCES || window.targets.packets(line) >= SAMPLED_PACKETS;

/** The address of the source that has most of `whole`. */
function dominant([first]: readonly TopSource[], whole: number): string | null {
  return first !== undefined && first.share >= DOMINANT_SHARE * whole ? formatAddress(...first.words) : null;
}

interface Sender {
  readonly tenant: number;
  readonly share: number;
  readonly sources: readonly TopSource[];
}

/** The tenant that sends at least half of the target's packets; tenant 0: there is none. */
function mainSender(topSources: readonly TopSource[], { directory }: DetectorContext): Sender {
  const byTenant = Map.groupBy(topSources, ({ words }) => directory.lookup(...words));
  const senders = [...byTenant].map(([tenant, sources]) => ({ tenant, sources, share: sumOfShares(sources) }));
  const none: Sender = { tenant: 0, sources: [], share: 0 };
  const main = senders.reduce((most, sender) => (sender.share > most.share ? sender : most), none);
  const alone = senders.length === 1 && main.sources.length >= MANY_SOURCES;
  return main.share >= 0.5 || alone ? main : none;
}

const sumOfShares = (sources: readonly TopSource[]): number => sources.reduce((sum, { share }) => sum + share, 0);
