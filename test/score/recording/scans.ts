/** Scans and sweeps by nmap, masscan and zmap. */
import type { Named } from '../trial.ts';
import { byStranger, type RecordedAttack, type Recording, STRANGER, TENANT } from './recording.ts';
import { SIDES } from './stage.ts';

/** Answered, refused by port, and not answered at all, in turn. */
const PORTS = '--top-ports';
const SCANNED = '200';

const nmap = (
  name: string,
  words: string,
  attack: Partial<RecordedAttack>,
  allowed: readonly Named[] = [],
): Recording => ({
  name: `nmap-${name}`,
  commands: byStranger(`nmap -n ${words}`),
  packets: 3000,
  expected: [{ detector: 'portScan', offender: STRANGER, victim: TENANT, ...attack }],
  allowed,
});

/** Its packets are odd, and are a scan: both may be said. */
const ODD: readonly Named[] = [{ detector: 'headerAnomaly', offender: STRANGER }];

const portScan = (letter: string, type: string | null, allowed: readonly Named[] = []): Recording =>
  nmap(`s${letter}`, `-Pn -s${letter} ${PORTS} ${SCANNED} ${TENANT}`, type === null ? {} : { type }, allowed);

const NMAP: readonly Recording[] = [
  portScan('S', 'syn'),
  portScan('T', 'connect'),
  portScan('F', 'fin', ODD),
  portScan('N', 'null', ODD),
  portScan('X', 'xmas', ODD),
  portScan('A', 'ack'),
  // On the wire a window scan is an ACK scan.
  portScan('W', 'ack'),
  portScan('M', null, ODD),
  nmap('sU', `-Pn -sU --max-retries 1 --host-timeout 30s --top-ports 100 ${TENANT}`, { type: 'udp' }),
  nmap('sO', `-Pn -sO --max-retries 1 --host-timeout 30s ${TENANT}`, { type: 'protocol' }),
  nmap('O', `-Pn -O ${PORTS} 100 ${TENANT}`, { type: 'syn' }, ODD),
  nmap('sS-T5', `-Pn -sS -T5 ${PORTS} 1000 ${TENANT}`, { type: 'syn' }),
  nmap('sS-T4', `-Pn -sS -T4 ${PORTS} ${SCANNED} ${TENANT}`, { type: 'syn' }),
  nmap('sS-T2', `-Pn -sS -T2 ${PORTS} 60 ${TENANT}`, { type: 'syn' }),
  // T1 waits 15 s for each probe, T0 five minutes, and is the same otherwise: a recording would take two hours.
  {
    ...nmap('sS-T1', `-Pn -sS -T1 ${PORTS} 20 ${TENANT}`, { type: 'syn' }),
    slower: { name: 'nmap-sS-T0', times: 20 },
  },
  nmap('sS-v6', `-6 -Pn -sS ${PORTS} ${SCANNED} ${SIDES.tenant.ipv6}`, {
    type: 'syn',
    offender: SIDES.stranger.ipv6,
    victim: SIDES.tenant.ipv6,
  }),
  nmap('sU-v6', `-6 -Pn -sU --max-retries 1 --host-timeout 30s --top-ports 100 ${SIDES.tenant.ipv6}`, {
    type: 'udp',
    offender: SIDES.stranger.ipv6,
    victim: SIDES.tenant.ipv6,
  }),
  // The scanner is one of six; nobody can tell which. At the far end all of them are the same tenant's.
  {
    ...nmap(
      'sS-decoys',
      `-Pn -sS -D 203.0.113.31,203.0.113.32,203.0.113.33,ME,203.0.113.34,203.0.113.35 ${PORTS} 100 ${TENANT}`,
      { type: 'syn', offender: null },
    ),
    ways: ['in'],
  },
  // Headers of TCP in fragments of 8 bytes: flags are hidden from whoever looks at packets alone.
  nmap('sS-fragments', `-Pn -sS -f ${PORTS} ${SCANNED} ${TENANT}`, { detector: ['headerAnomaly', 'portScan'] }, [
    { detector: ['headerAnomaly', 'portScan'], offender: STRANGER },
  ]),
  nmap('sS-sourcePort53', `-Pn -sS -g 53 ${PORTS} ${SCANNED} ${TENANT}`, { type: 'syn' }),
  nmap('sS-data', `-Pn -sS --data-length 24 ${PORTS} ${SCANNED} ${TENANT}`, { type: 'syn' }),
  nmap('sn-icmp', `-sn -PE ${SIDES.tenant.block}.0/24`, { detector: 'hostSweep', type: 'icmp', victim: null }),
  nmap('sn-syn', `-sn -PS443 ${SIDES.tenant.block}.0/24`, { detector: 'hostSweep', type: 'syn', victim: null }),
  nmap('sn-ack', `-sn -PA80 ${SIDES.tenant.block}.0/24`, { detector: 'hostSweep', type: 'ack', victim: null }),
  nmap('sn-udp', `-sn -PU40125 ${SIDES.tenant.block}.0/24`, { detector: 'hostSweep', type: 'udp', victim: null }),
  {
    ...nmap('sn-arp', '-sn -PR 192.0.2.0/24', {
      detector: 'hostSweep',
      type: 'arp',
      offender: SIDES.stranger.link,
      victim: null,
    }),
    onLink: ['192.0.2.4/30', '192.0.2.8/29', '192.0.2.16/28', '192.0.2.32/27', '192.0.2.64/26', '192.0.2.128/25'],
  },
  nmap('sS-horizontal', `-Pn -sS --max-retries 1 -p 22 ${SIDES.tenant.block}.0/24`, {
    detector: 'hostSweep',
    type: 'syn',
    victim: null,
  }),
  nmap('sS-block', `-Pn -sS --max-retries 0 -p 20-45 ${SIDES.tenant.block}.0/25`, {
    detector: ['portScan', 'hostSweep'],
    victim: null,
  }),
];

const SWEEPERS: readonly Recording[] = [
  {
    name: 'masscan-horizontal',
    commands: byStranger(
      `masscan ${SIDES.tenant.block}.0/24 -p443 --rate 500 --interface edge0 --source-ip ${STRANGER} --router-mac ${SIDES.tenant.card} --wait 1 --seed 1`,
    ),
    packets: 3000,
    expected: [{ detector: 'hostSweep', type: 'syn', offender: STRANGER, victim: null }],
  },
  {
    name: 'masscan-block',
    commands: byStranger(
      `masscan ${SIDES.tenant.block}.0/26 -p20-60 --rate 2000 --interface edge0 --source-ip ${STRANGER} --router-mac ${SIDES.tenant.card} --wait 1 --seed 1`,
    ),
    packets: 3000,
    expected: [{ detector: ['portScan', 'hostSweep'], offender: STRANGER, victim: null }],
  },
  {
    name: 'zmap-5060',
    commands: byStranger(
      `zmap -q -i edge0 -G ${SIDES.tenant.card} -S ${STRANGER} -p 5060 -r 500 --cooldown-time=1 --seed=1 -b /dev/null -o /dev/null ${SIDES.tenant.block}.0/24`,
    ),
    packets: 3000,
    expected: [{ detector: 'hostSweep', type: 'syn', offender: STRANGER, victim: null }],
  },
];

export const SCANS: readonly Recording[] = [...NMAP, ...SWEEPERS];
