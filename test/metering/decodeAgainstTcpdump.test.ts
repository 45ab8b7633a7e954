import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { basename } from 'node:path';
import type { PacketKind } from '../../daemon/metering/decodeResult.ts';
import { LINKTYPE_ETHERNET } from '../../probes/probe.ts';
import { capturesOrPending, isClassicPcap, readCapture } from '../support/captures.ts';
import { type Decoded, decoded } from '../support/decoded.ts';

const WHOLE = 'ip[6:2] & 0x3fff = 0';
const segment = (flags: string): string => `ip and tcp and ${WHOLE} and tcp[13] & 0x17 = ${flags}`;

/** libpcap's own idea of each kind of packet over IPv4. */
const FILTERS: Readonly<Partial<Record<PacketKind, string>>> = {
  tcpSyn: segment('tcp-syn'),
  tcpSynAck: segment('tcp-syn|tcp-ack'),
  tcpAck: segment('tcp-ack'),
  tcpFin: segment('tcp-fin|tcp-ack'),
  tcpRst: `ip and tcp and ${WHOLE} and tcp[13] & 0x07 = tcp-rst`,
  udp: `ip and udp and ${WHOLE}`,
  icmp: `ip and icmp and ${WHOLE}`,
  fragment: 'ip and not (ip[6:2] & 0x3fff = 0)',
};

function tcpdumpCount(path: string, filter: string): number {
  const either = `(${filter}) or (vlan and (${filter}))`;
  const printed = execFileSync('tcpdump', ['--count', '-r', path, either], { encoding: 'utf8', stdio: 'pipe' });
  return Number(/^(\d+) packets?/m.exec(printed)?.[1]);
}

const isV4 = ({ source = '' }: Decoded): boolean => source.includes('.') && !source.includes(':');

function countAll(frames: readonly Decoded[]): Record<string, number> {
  const count = (criterion: (one: Decoded) => boolean): number => frames.filter(criterion).length;
  const kinds = Object.keys(FILTERS).map((name) => [name, count((one) => one.kind === name && isV4(one))] as const);
  const ip6 = count((one) => one.frame === 'ip' && !isV4(one));
  return { ...Object.fromEntries(kinds), ip6, arp: count(({ frame }) => frame === 'arp') };
}

const tcpdumpCountAll = (path: string): Record<string, number> =>
  Object.fromEntries(
    Object.entries({ ...FILTERS, ip6: 'ip6', arp: 'arp' }).map(([name, filter]) => [name, tcpdumpCount(path, filter)]),
  );

describe('decodeFrame', () => {
  for (const folder of ['benign', 'floods', 'scans', 'sip-rtp', 'smtp', 'spoof-anomalies', 'worm-malware'])
    it(`finds as many packets of each kind as tcpdump, in ${folder}`, function () {
      this.timeout(60_000);
      for (const path of capturesOrPending(this, folder).filter(isClassicPcap)) {
        const frames = readCapture(path);
        if (frames[0]?.linkType !== LINKTYPE_ETHERNET) continue;
        const actual = countAll(frames.map((one) => decoded(one.bytes, one.linkType, one)));
        assert.deepEqual(actual, tcpdumpCountAll(path), basename(path));
      }
    });
});
