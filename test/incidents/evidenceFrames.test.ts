import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EvidenceFrames } from '../../daemon/incidents/evidenceFrames.ts';
import type { Incident } from '../../daemon/incidents/incident.ts';
import type { KeptFrame } from '../../daemon/metering/keptFrames.ts';
import { readCapture } from '../support/captures.ts';
import { frame, type FrameSpec } from '../support/frames.ts';
import { testIncident } from '../support/incident.ts';
import { testContext } from '../support/windowBuilder.ts';

const { directory, tenants } = testContext();
const [PBX, stranger] = ['198.51.100.9', '203.0.113.1'];
const OPENED_MS = Date.parse('2026-03-01T10:00:00Z');

const kept = (timeMs: number, spec: Partial<FrameSpec> = {}): KeptFrame => ({
  timeMs,
  wireLength: 500,
  linkType: 1,
  bytes: Uint8Array.from(frame({ source: stranger, destination: PBX, protocol: 'udp', payload: 60, ...spec })),
});

const incident = (changes: Partial<Incident> = {}): Incident => ({
  ...testIncident(),
  id: '0123456789ab',
  tenant: 'acme',
  victim: PBX,
  offender: null,
  observationPoint: 'eth0',
  lastSeen: new Date(OPENED_MS).toISOString(),
  ...changes,
});

class Bed {
  readonly files = new Map<string, Uint8Array<ArrayBuffer>>();
  readonly evidence = new EvidenceFrames({
    directory,
    tenantIds: tenants.map(({ id }) => id),
    onFile: (id, pcap) => this.files.set(id, pcap),
  });

  /** The frames of the file, as our own reader has them. */
  packets(id = '0123456789ab') {
    const path = join(tmpdir(), `weir-evidence-${process.pid}.pcap`);
    const file = this.files.get(id);
    if (file === undefined) return null;
    writeFileSync(path, file);
    const packets = readCapture(path);
    rmSync(path);
    return packets;
  }
}

describe('EvidenceFrames', () => {
  it('has packets from before and after the opening, headers alone', () => {
    const bed = new Bed();
    bed.evidence.observe('eth0', [kept(OPENED_MS - 500), kept(OPENED_MS - 200)], OPENED_MS);
    bed.evidence.take([{ event: 'opened', incident: incident() }]);
    bed.evidence.observe('eth0', [kept(OPENED_MS + 100)], OPENED_MS + 250);
    bed.evidence.observe('eth0', [], OPENED_MS + 10_000);
    const packets = bed.packets() ?? [];
    assert.deepEqual(
      packets.map(({ timeMs, wireLength, bytes }) => [timeMs - OPENED_MS, wireLength, bytes.length]),
      [
        [-500, 500, 42],
        [-200, 500, 42],
        [100, 500, 42],
      ],
    );
  });

  const others: readonly (readonly [
    what: string,
    changes: Partial<Incident>,
    frames: readonly KeptFrame[],
    packets: number,
  ])[] = [
    ['of the victim, both ways', {}, [kept(1), kept(2, { source: PBX, destination: stranger })], 2],
    ['of nobody else', {}, [kept(1), kept(2, { destination: '198.51.100.10' })], 1],
    ['between both, if both are known', { offender: stranger }, [kept(1), kept(2, { source: '203.0.113.2' })], 1],
    [
      'of the tenant, if no address is known',
      { victim: 'acme' },
      [kept(1), kept(2, { destination: '198.51.100.17' })],
      1,
    ],
  ];
  for (const [what, changes, frames, count] of others)
    it(`has the packets ${what}`, () => {
      const bed = new Bed();
      bed.evidence.observe('eth0', frames, OPENED_MS);
      bed.evidence.take([{ event: 'opened', incident: incident(changes) }]);
      bed.evidence.finish();
      assert.equal(bed.packets()?.length, count);
    });

  it('is complete when the incident is closed, and is none without packets', () => {
    const bed = new Bed();
    bed.evidence.observe('eth0', [kept(1)], OPENED_MS);
    bed.evidence.take([
      { event: 'opened', incident: incident() },
      { event: 'opened', incident: incident({ id: 'ba9876543210', victim: '198.51.100.20' }) },
      { event: 'closed', incident: incident() },
      { event: 'closed', incident: incident({ id: 'ba9876543210', victim: '198.51.100.20' }) },
    ]);
    assert.deepEqual([...bed.files.keys()], ['0123456789ab']);
  });

  it('is bounded: 100 packets from before, 200 in all', () => {
    const bed = new Bed();
    const many = Array.from({ length: 500 }, (_, i) => kept(OPENED_MS - 500 + i));
    bed.evidence.observe('eth0', many, OPENED_MS);
    bed.evidence.take([{ event: 'opened', incident: incident() }]);
    bed.evidence.observe(
      'eth0',
      many.map((each) => ({ ...each, timeMs: each.timeMs + 500 })),
      OPENED_MS + 250,
    );
    const packets = bed.packets() ?? [];
    assert.equal(packets.length, 200);
    assert.equal(packets.filter(({ timeMs }) => timeMs < OPENED_MS).length, 100);
  });

  it('takes whatever a stranger sends', () => {
    const bed = new Bed();
    const broken = Array.from({ length: 60 }, (_, length) => ({ ...kept(1), bytes: kept(1).bytes.slice(0, length) }));
    bed.evidence.observe('eth0', broken, OPENED_MS);
    bed.evidence.take([{ event: 'opened', incident: incident() }]);
    bed.evidence.finish();
    assert((bed.packets()?.length ?? 0) > 0);
  });
});
