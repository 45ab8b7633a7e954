/** Our own recordings as trials: each judged with the tenant's side as the tenant, on that side's host, and with the stranger's. */
import { join } from 'node:path';
import type { Direction } from '../../daemon/metering/window.ts';
import type { Attack, CaptureTrial } from './captureTrial.ts';
import type { RecordedAttack, Recording, Way } from './recording/recording.ts';
import { RECORDINGS } from './recording/recordings.ts';
import { type Side, SIDES } from './recording/stage.ts';
import type { WrittenTenant } from './trial.ts';

const FOLDER = join(import.meta.dirname, 'recordings');

/** Its address on the link too: ARP and neighbour discovery go by that. */
function tenantsAt(side: Side): WrittenTenant[] {
  const { link, block, link6, block6 } = SIDES[side];
  return [{ id: side, addresses: [`${block}.0/24`, `${block6}::/64`, `${link}/32`, `${link6}/128`] }];
}

export const recordedTrials = (): CaptureTrial[] =>
  RECORDINGS.flatMap((recording) => {
    const path = join(FOLDER, `${recording.name}.pcap.gz`);
    const { slower } = recording;
    const again =
      slower === undefined
        ? []
        : viewsOf({ ...recording, name: slower.name }).map((view) => ({ ...view, stretched: slower.times }));
    return [...viewsOf(recording), ...again].map((view) => ({ ...view, path }));
  });

type View = Omit<CaptureTrial, 'path'>;

function viewsOf(recording: Recording): View[] {
  const { name, expected = [], isForged = false, ways = ['in', isForged ? 'port' : 'out'] } = recording;
  return expected.length === 0 ? quietViews(name) : ways.map((way) => VIEWS[way](recording));
}

const VIEWS: Readonly<Record<Way, (recording: Recording) => View>> = {
  in: (recording) => viewOf(recording, 'tenant', 'inbound'),
  out: (recording) => viewOf(recording, 'stranger', 'outbound'),
  port: (recording) => portView(recording),
};

const quietViews = (name: string): View[] => [
  ...(['tenant', 'stranger'] as const).map((side): View => ({
    name: `${name} ${side}`,
    kind: 'benign',
    tenants: tenantsAt(side),
    host: SIDES[side].card,
  })),
  { name: `${name} port`, kind: 'benign', tenants: tenantsAt('tenant'), port: 'tenant', host: SIDES.stranger.card },
];

function portView({ name, expected = [], isForged = false, allowed = [] }: Recording): View {
  const forged: Attack = { detector: 'spoofedSource', tenant: 'stranger', direction: 'outbound' };
  const named = expected.map((attack) => {
    const { offender: _, ...rest } = attackOf(attack, 'stranger', 'outbound');
    return rest;
  });
  const isNamed = !isForged || named.some(({ detector }) => detector === 'spoofedSource');
  return {
    name: `${name} port`,
    kind: 'attack',
    tenants: tenantsAt('stranger'),
    port: 'stranger',
    host: SIDES.tenant.card,
    expected: isNamed ? named : [...named, forged],
    allowed,
  };
}

function viewOf(recording: Recording, side: Side, direction: Direction): View {
  const { name, expected = [], allowed = [], onLink = [] } = recording;
  const own = side === 'tenant' ? onLink : [];
  return {
    name: `${name} ${direction === 'inbound' ? 'in' : 'out'}`,
    kind: 'attack',
    tenants: tenantsAt(side).map((tenant) => ({ ...tenant, addresses: [...tenant.addresses, ...own] })),
    host: SIDES[side].card,
    expected: expected.map((attack) => attackOf(attack, side, direction)),
    allowed,
  };
}

function attackOf({ detector, type, offender, victim }: RecordedAttack, tenant: Side, direction: Direction): Attack {
  // Who sends what is odd or forged is known at the first of it, whom else it hits is not.
  const isOfSender = (detector === 'headerAnomaly' || detector === 'spoofedSource') && direction === 'outbound';
  return {
    detector,
    ...(type === undefined ? {} : { type }),
    ...(victim === null || isOfSender ? {} : { victim }),
    ...(offender === undefined ? {} : { offender }),
    tenant,
    direction,
    packets: {
      ...(typeof offender === 'string' ? { from: [offender] } : {}),
      ...(victim === null ? {} : { to: [victim] }),
    },
  };
}
