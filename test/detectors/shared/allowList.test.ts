import assert from 'node:assert/strict';
import { bandwidthThreshold } from '../../../daemon/detectors/bandwidthThreshold.ts';
import type { DetectorDefinition } from '../../../daemon/detectors/detector.ts';
import { allowing } from '../../../daemon/detectors/shared/allowList.ts';
import { udpFlood } from '../../../daemon/detectors/udpFlood.ts';
import { buildWindow, strangers, testContext, testTenant, type Traffic } from '../../support/windowBuilder.ts';
import { told } from '../findings.ts';

const PBX = '198.51.100.9';
const PEER = '203.0.113.1';
const context = testContext([
  testTenant('acme', ['198.51.100.8/29', '2001:db8:8::/48'], {
    threshold: { rateBps: 8e6, packetsPerSecond: null, forMs: 250 },
  }),
  testTenant('globex', ['198.51.100.16/29']),
]);

const flood = (from: Traffic['from'], to: string): Traffic => ({ from, to, kind: 'udp', packets: 6000, ports: [80] });

/** Who is told of, and what the readings that pass the threshold say. */
function observe(allow: readonly string[], traffic: readonly Traffic[], definition: DetectorDefinition = udpFlood) {
  const detector = allowing(definition.create(definition.config.parse({}), context), allow, context);
  const window = buildWindow(traffic, { context });
  const found = detector.observe(window).map(told);
  const readings = detector.explain(window, 1).filter(({ value, threshold }) => (value ?? 0) >= (threshold ?? 0));
  return { found, reasons: readings.map(({ reason }) => reason) };
}

const cases: [string, Traffic['from'], string, readonly string[], string | null][] = [
  ['nothing', PEER, PBX, [], null],
  ['others', PEER, PBX, ['203.0.113.2/32', '2001:db8::/32', 'globex'], null],
  ['the stranger that does it', PEER, PBX, ['192.0.2.0/24', '203.0.113.0/24'], '203.0.113.0/24'],
  ['the stranger that does it, in IPv6', '2001:db8:f::1', '2001:db8:8::9', ['2001:db8:f::/64'], '2001:db8:f::/64'],
  ['the victim of it', PEER, PBX, ['198.51.100.9/32', 'acme'], null],
  ['the tenant that does it', PBX, PEER, ['acme'], 'acme'],
  ["the tenant's address that does it", PBX, PEER, ['198.51.100.9/32'], '198.51.100.9/32'],
  ['the stranger to whom a tenant does it', PBX, PEER, ['203.0.113.1/32'], '203.0.113.1/32'],
  ['the other tenant that does it', '198.51.100.17', PBX, ['globex'], 'globex'],
];

describe('allowing', () => {
  for (const [title, from, to, allow, entry] of cases) {
    it(`${entry === null ? 'finds' : 'finds nothing, and says why,'} where the list has ${title}`, () => {
      const { found, reasons } = observe(allow, [flood(from, to)]);
      assert.equal(found.length, entry === null ? 1 : 0);
      assert.deepEqual(reasons, [entry === null ? null : `${entry} is on the allow list`]);
    });
  }

  it('asks for four fifths of the packets where no source stands out', () => {
    const mixed = (listed: number): Traffic => ({
      ...flood([...strangers(6).slice(0, listed), ...strangers(6, 6).slice(listed)], PBX),
    });
    assert.deepEqual(observe(['203.0.113.0/24'], [mixed(5)]).found, []);
    assert.deepEqual(observe(['203.0.113.0/24'], [mixed(4)]).found, [`inbound acme ${PBX} by many`]);
  });

  it('knows the tenant whose port it is', () => {
    const traffic = [{ ...flood(PEER, PBX), bytes: 1000 }];
    assert.deepEqual(observe([], traffic, bandwidthThreshold).found, ['inbound acme nobody by acme']);
    assert.deepEqual(observe(['acme'], traffic, bandwidthThreshold), {
      found: [],
      reasons: ['acme is on the allow list', 'acme is on the allow list'],
    });
  });
});
