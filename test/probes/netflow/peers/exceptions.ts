/** Where a peer reads a capture otherwise than we do, and why it is the peer that is wrong, or means something else. */
import type { Difference } from '../../../support/flowReading.ts';

export type Peer = 'nfdump' | 'tshark' | 'node-netflowv9' | 'pmacct';

export interface Exception {
  readonly peer: Peer;
  /** Names of captures, of pmacct's the beginnings. */
  readonly captures: readonly string[];
  readonly fields: readonly Difference['field'][];
  readonly because: string;
  /** What of it is meant; absent: all. */
  isMeant?(difference: Difference): boolean;
}

const TIMES = ['startMs', 'endMs'] as const;
const theirsIsNone = ({ theirs }: Difference): boolean => theirs === 0;

export const EXCEPTIONS: readonly Exception[] = [
  {
    peer: 'nfdump',
    captures: ['ls-ipfix_test_mikrotik', 'ls-netflow9_test_macaddr', 'ls-netflow9_test_cisco_1941K9'],
    fields: TIMES,
    because: 'the exporter tells no times: nfdump leaves 1970, we take the export time',
    isMeant: theirsIsNone,
  },
  {
    peer: 'nfdump',
    captures: ['ls-ipfix_test_barracuda'],
    fields: TIMES,
    because: 'nfdump does not read flowDurationMilliseconds (161), by which the flow began that long before its export',
    isMeant: theirsIsNone,
  },
  {
    peer: 'nfdump',
    captures: ['ls-ipfix_test_netscaler'],
    fields: TIMES,
    because: 'nfdump does not read flowStartMicroseconds and flowEndMicroseconds (154, 155)',
    isMeant: theirsIsNone,
  },
  {
    peer: 'nfdump',
    captures: ['ls-ipfix', 'pm-106', 'pm-112', 'pm-500'],
    fields: TIMES,
    because:
      'nfdump 1.7.1 takes flowEndSysUpTime (21) for the start and flowStartSysUpTime (22) for the end in IPFIX; tshark and pmacct do not',
    isMeant: ({ ours, theirs }) => Number(theirs) > 0 && ours !== theirs,
  },
  {
    peer: 'nfdump',
    captures: ['ls-netflow9_test_cisco_asa_1'],
    fields: ['endMs'],
    because: 'nfdump keeps observationTimeMilliseconds (323), the time of the event, apart; for us the flow ended then',
    isMeant: theirsIsNone,
  },
  {
    peer: 'nfdump',
    captures: ['ls-netflow9_test_softflowd'],
    fields: ['destinationPort'],
    because:
      'softflowd writes the type of ICMPv6 into the destination port (34304 is 134, a router advertisement), nfdump looks for it elsewhere',
    isMeant: ({ ours, theirs }) => ours === 134 << 8 && theirs === 0,
  },
  {
    peer: 'nfdump',
    captures: ['ls-netflow5'],
    fields: ['count'],
    because: 'the header tells of 2 records; nfdump reads the octets behind them as 28 more',
    isMeant: ({ ours, theirs }) => ours === 2 && theirs === 30,
  },
  {
    peer: 'tshark',
    captures: ['ls-netflow5'],
    fields: ['startMs'],
    because: 'the uptime turned while the flows went on; tshark puts them 2^32 ms into the future',
    isMeant: ({ ours, theirs }) => Number(theirs) - Number(ours) === 2 ** 32,
  },
  {
    peer: 'tshark',
    captures: ['ls-netflow5_test_invalid01', 'ls-netflow5_test_invalid02'],
    fields: ['count'],
    because:
      'the header tells of more records than there are, and is not believed in anything; tshark shows what it can',
    isMeant: ({ ours, theirs }) => ours === 0 && theirs === 30,
  },
  {
    peer: 'tshark',
    captures: ['ls-netflow9_test_h3c'],
    fields: ['count'],
    because: 'tshark gives up on a field of type 43 with two octets, after one record of 16; nfdump reads all',
    isMeant: ({ ours, theirs }) => ours === 16 && theirs === 1,
  },
  {
    peer: 'tshark',
    captures: ['ls-netflow9_test_cisco_asa_1'],
    fields: ['packets'],
    because: 'the exporter does not count packets: we tell as many as the octets need at least',
    isMeant: theirsIsNone,
  },
  {
    peer: 'nfdump',
    captures: ['ls-netflow9_test_cisco_asa_1'],
    fields: ['packets'],
    because: 'the exporter does not count packets: we tell as many as the octets need at least',
    isMeant: theirsIsNone,
  },
  {
    peer: 'node-netflowv9',
    captures: ['ls-netflow9_test_cisco_asa_1'],
    fields: ['packets'],
    because: 'the exporter does not count packets: we tell as many as the octets need at least',
    isMeant: theirsIsNone,
  },
  {
    peer: 'node-netflowv9',
    captures: ['ls-netflow9_test_cisco_asa_1'],
    fields: ['sourcePort', 'destinationPort'],
    because: 'of ICMP it shows what stands for ports, an identifier; we the type and code, as nfdump does',
  },
  {
    peer: 'node-netflowv9',
    captures: ['ls-netflow5'],
    fields: ['count'],
    because: 'it throws at the octets behind the 2 records that the header tells of, and loses these, too',
    isMeant: ({ ours, theirs }) => ours === 2 && theirs === 0,
  },
  {
    peer: 'node-netflowv9',
    captures: ['ls-netflow5_test_invalid01', 'ls-netflow5_test_invalid02'],
    fields: ['count'],
    because:
      'the header tells of more records than there are, and is not believed in anything; it does not look at the count',
    isMeant: ({ ours, theirs }) => ours === 0 && theirs === 30,
  },
  {
    peer: 'pmacct',
    captures: ['pm-500'],
    fields: ['startMs'],
    because: 'this test of pmacct has the export time for the start (nfacctd_time_new)',
  },
];
