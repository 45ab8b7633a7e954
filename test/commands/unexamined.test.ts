import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { linkTypeName } from '../../daemon/commands/linkTypeName.ts';
import { Unexamined } from '../../daemon/commands/unexamined.ts';
import { blockOf } from '../support/frames.ts';
import { captureFile } from '../probes/pcap/captureFile.ts';

/** libpcap's own names, where they differ from those of the numbers in files. */
const NAMES_IN_FILES: Readonly<Record<string, string>> = {
  ARCNET: 'ARCNET_BSD',
  EN10MB: 'ETHERNET',
  IEEE802: 'IEEE802_5',
  IEEE802_11_RADIO: 'IEEE802_11_RADIOTAP',
  IEEE802_11_RADIO_AVS: 'IEEE802_11_AVS',
  IEEE802_15_4: 'IEEE802_15_4_WITHFCS',
  PPP_SERIAL: 'PPP_HDLC',
  PRISM_HEADER: 'IEEE802_11_PRISM',
};
/** Never written to files: libpcap has them for its own sake. */
const NOT_IN_FILES = new Set([11, 12, 15, 16, 19]);

function nameByTcpdump(linkType: number): string | undefined {
  const input = captureFile({ isLittleEndian: true, isNano: false, linkType }, []);
  const { stderr } = spawnSync('tcpdump', ['-r', '-'], { input, encoding: 'utf8' });
  const name = /link-type (\w+) \(/.exec(stderr)?.[1];
  return name === undefined ? undefined : (NAMES_IN_FILES[name] ?? name);
}

const blocksOf = (...linkTypes: readonly number[]) =>
  linkTypes.map((linkType) => blockOf([{ bytes: new Uint8Array(60) }, { bytes: new Uint8Array(60) }], linkType));

describe('linkTypeName', () => {
  it('calls every link type as tcpdump does', function () {
    this.timeout(30_000);
    for (let linkType = 0; linkType < 300; linkType++) {
      const name = NOT_IN_FILES.has(linkType) ? undefined : nameByTcpdump(linkType);
      if (name !== undefined) assert.equal(linkTypeName(linkType), `LINKTYPE_${name} (${linkType})`);
    }
  });

  it('gives the number alone of one without a name', () => {
    assert.equal(linkTypeName(65_000), 'link type 65000');
  });
});

describe('Unexamined', () => {
  for (const [criterion, linkTypes, expected] of [
    ['none', [1, 101, 113], null],
    ['one type', [107, 107], 'Cannot examine 4 of 10 packets of x: no decoder for LINKTYPE_FRELAY (107)'],
    [
      'two types of three, the most frequent first',
      [1, 107, 253, 253],
      'Cannot examine 6 of 10 packets of x: no decoder for LINKTYPE_NETLINK (253), LINKTYPE_FRELAY (107)',
    ],
    [
      'more than it names',
      [253, 253, 107, 107, 105, 105, 65_000, 127],
      'Cannot examine 16 of 10 packets of x: no decoder for LINKTYPE_NETLINK (253), LINKTYPE_FRELAY (107), LINKTYPE_IEEE802_11 (105) and 2 more',
    ],
  ] as const)
    it(`tells of ${criterion}`, () => {
      const unexamined = new Unexamined();
      for (const block of blocksOf(...linkTypes)) unexamined.count(block);
      assert.equal(unexamined.describe('x', 10), expected);
    });
});
