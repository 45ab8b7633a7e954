import assert from 'node:assert/strict';
import { linkTypeOf } from '../../../probes/cap/linkType.ts';
import { snapLengthFor } from '../../../probes/cap/snapLength.ts';
import { LINKTYPE_LINUX_SLL, LINKTYPE_NULL, LINKTYPE_RAW } from '../../../probes/probe.ts';
import { frame } from '../../support/frames.ts';

/** That Ethernet is cut as the ring does it is seen in the test of openCap. */
describe('snapLengthFor', () => {
  const links = [
    ['cooked', LINKTYPE_LINUX_SLL, [0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0], 12],
    ['null', LINKTYPE_NULL, [2, 0, 0, 0], 14],
    ['raw', LINKTYPE_RAW, [], 14],
  ] as const;
  for (const [name, linkType, header, start] of links) {
    it(`keeps signalling whole and cuts the rest of ${name} frames`, () => {
      const snapLengthOf = snapLengthFor(linkType, 128, [5060]);
      const cut = (destinationPort: number, payload: number): number => {
        const packet = frame({
          source: '192.0.2.1',
          destination: '192.0.2.2',
          protocol: 'udp',
          destinationPort,
          payload,
        });
        const bytes = Uint8Array.from([...header, ...packet.subarray(start)]);
        return snapLengthOf(bytes, bytes.length);
      };
      assert.equal(cut(5060, 1000), header.length + (14 - start) + 1028);
      assert.equal(cut(5062, 1000), 128);
      assert.equal(cut(5062, 20), header.length + (14 - start) + 48);
    });
  }

  it('cuts every frame of a link that it does not know', () => {
    assert.equal(snapLengthFor(239, 96, [5060])(new Uint8Array(1000), 1000), 96);
  });
});

describe('linkTypeOf', () => {
  it('knows the names of cap, and numbers that it has no name for', () => {
    const names = ['ETHERNET', 'RAW', 'NULL', 'LINKTYPE_LINUX_SLL', 'Unknown linktype 276'];
    assert.deepEqual(names.map(linkTypeOf), [1, 101, 0, 113, 276]);
  });

  it('refuses others', () => {
    for (const name of ['IEEE802_11_RADIO', 'Unknown linktype 239', '']) {
      assert.throws(() => linkTypeOf(name), { message: `its link type is not supported (${name})` });
    }
  });
});
