/** Our own recordings as trials: each judged with the tenant's side as the tenant, and with the stranger's. */
import { join } from 'node:path';
import type { Direction } from '../../daemon/metering/window.ts';
import type { Attack, CaptureTrial } from './captureTrial.ts';
import { type RecordedAttack, type Recording, RECORDINGS } from './recording/recordings.ts';
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
    return waysOf(recording).map((way) => ({ ...way, path }));
  });

type Way = Omit<CaptureTrial, 'path'>;

/** What has forged sources is told from the offender's side at its own port only. */
function waysOf(recording: Recording): Way[] {
  const { name, expected = [], isForged = false } = recording;
  if (expected.length === 0) return quietWays(name);
  const inbound = wayOf(recording, 'tenant', 'inbound');
  if (!isForged) return [inbound, ...(recording.isInboundOnly ? [] : [wayOf(recording, 'stranger', 'outbound')])];
  return [inbound, portWay(recording)];
}

const quietWays = (name: string): Way[] => [
  ...(['tenant', 'stranger'] as const).map((side): Way => ({
    name: `${name} ${side}`,
    kind: 'benign',
    tenants: tenantsAt(side),
  })),
  { name: `${name} port`, kind: 'benign', tenants: tenantsAt('tenant'), port: 'tenant' },
];

function portWay({ name, expected = [], allowed = [] }: Recording): Way {
  const forged: Attack = { detector: 'spoofedSource', tenant: 'stranger', direction: 'outbound' };
  const named = expected.map((attack) => {
    const { offender: _, ...rest } = attackOf(attack, 'stranger', 'outbound');
    return rest;
  });
  const all = named.some(({ detector }) => detector === 'spoofedSource') ? named : [...named, forged];
  return {
    name: `${name} port`,
    kind: 'attack',
    tenants: tenantsAt('stranger'),
    port: 'stranger',
    expected: all,
    allowed,
  };
}

function wayOf({ name, expected = [], allowed = [] }: Recording, side: Side, direction: Direction): Way {
  return {
    name: `${name} ${direction === 'inbound' ? 'in' : 'out'}`,
    kind: 'attack',
    tenants: tenantsAt(side),
    expected: expected.map((attack) => attackOf(attack, side, direction)),
    allowed,
  };
}

function attackOf({ detector, type, offender, victim }: RecordedAttack, tenant: Side, direction: Direction): Attack {
  // Whom else odd headers hit is not known at the first of them.
  const isOfSender = detector === 'headerAnomaly' && direction === 'outbound';
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
