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

/** Random sources are nobody's, so that only the victim's side can tell. */
function waysOf(recording: Recording): Omit<CaptureTrial, 'path'>[] {
  const { name, expected = [], allowed = [] } = recording;
  if (expected.length === 0)
    return (['tenant', 'stranger'] as const).map((side) => ({
      name: `${name} ${side}`,
      kind: 'benign',
      tenants: tenantsAt(side),
    }));
  const inbound = wayOf(recording, 'tenant', 'inbound');
  const isNobodys = expected.some(({ offender }) => offender === null);
  return isNobodys ? [{ ...inbound, allowed }] : [inbound, wayOf(recording, 'stranger', 'outbound')];
}

function wayOf(
  { name, expected = [], allowed = [] }: Recording,
  side: Side,
  direction: Direction,
): Omit<CaptureTrial, 'path'> {
  return {
    name: `${name} ${direction === 'inbound' ? 'in' : 'out'}`,
    kind: 'attack',
    tenants: tenantsAt(side),
    expected: expected.map((attack) => attackOf(attack, side, direction)),
    allowed,
  };
}

function attackOf({ detector, type, offender, victim }: RecordedAttack, tenant: Side, direction: Direction): Attack {
  return {
    detector,
    ...(type === undefined ? {} : { type }),
    ...(victim === null ? {} : { victim }),
    offender,
    tenant,
    direction,
    packets: { ...(offender === null ? {} : { from: [offender] }), ...(victim === null ? {} : { to: [victim] }) },
  };
}
