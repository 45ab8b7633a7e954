import assert from 'node:assert/strict';
import { headerAnomaly } from '../../daemon/detectors/headerAnomaly.ts';
import { observeSightings, type Seen } from './pairFindings.ts';

const [stranger, PBX] = ['203.0.113.1', '198.51.100.9'];
const seen = (sighting: Seen['sighting'], changes: Partial<Seen> = {}): Seen => ({
  sighting,
  initiator: stranger,
  responder: PBX,
  ...changes,
});

const found: readonly (readonly [what: string, windows: readonly (readonly Seen[])[], told: readonly string[]])[] = [
  ['one land packet', [[seen('land')]], [`inbound acme ${PBX} by ${stranger}: land 1`]],
  [
    'one fragment that overlaps',
    [[seen('overlappingFragment')]],
    [`inbound acme ${PBX} by ${stranger}: overlappingFragment 1`],
  ],
  ['one record of a route', [[seen('recordRoute')]], []],
  [
    'two of them within a minute',
    [[seen('recordRoute')], [], [seen('recordRoute')]],
    [`inbound acme ${PBX} by ${stranger}: recordRoute 1`],
  ],
  ['nine packets to port 0', [[seen('portZero', { packets: 9 })]], []],
  ['ten of them', [[seen('portZero', { packets: 10 })]], [`inbound acme ${PBX} by ${stranger}: portZero 1`]],
  [
    'odd flags at one port again and again',
    [[seen('null', { port: 80 }), seen('tcpFlags', { packets: 4 })]],
    [`inbound acme ${PBX} by ${stranger}: tcpFlags 1.5`],
  ],
  [
    'odd flags at many ports, which are a scan',
    [[...[1, 2, 3, 4, 5, 6].map((port) => seen('xmas', { port })), seen('tcpFlags', { packets: 12 })]],
    [],
  ],
  [
    "a tenant's own doing",
    [[seen('sourceRoute', { initiator: PBX, responder: stranger })]],
    [`outbound acme nobody by ${PBX}: sourceRoute 1`],
  ],
  [
    'those from several',
    [[seen('land'), seen('land', { initiator: '203.0.113.2' })]],
    [`inbound acme ${PBX} by many: land 2`],
  ],
  [
    'two segments that end at the next router',
    [[seen('expiringSegment', { packets: 2 })]],
    [`inbound acme ${PBX} by ${stranger}: expiringSegment 1`],
  ],
  ['one of them', [[seen('expiringSegment')]], []],
  ['nine packets with a TTL of 0', [[seen('ttlZero', { packets: 9 })]], []],
  ['strangers among themselves', [[seen('land', { responder: '203.0.113.9' })]], []],
  ['first contacts', [[seen('syn', { port: 80 }), seen('udp', { port: 53 })]], []],
];

describe('headerAnomaly', () => {
  for (const [what, windows, told] of found)
    it(`${told.length === 0 ? 'is silent on' : 'finds'} ${what}`, () =>
      assert.deepEqual(observeSightings(headerAnomaly, windows), told));

  it('forgets after a minute', () => {
    const quiet = Array.from({ length: 4 * 66 }, (): Seen[] => []);
    assert.deepEqual(observeSightings(headerAnomaly, [[seen('recordRoute')], ...quiet, [seen('recordRoute')]]), []);
  });
});
