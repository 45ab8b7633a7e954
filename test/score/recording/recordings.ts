/** The recordings: what is run between a stranger and a tenant, how much of it is kept, and what must be named in it. */
import type { Named } from '../trial.ts';
import { type Side, SIDES } from './stage.ts';

/** As the victim's host sees it that faces the internet, as the offender's does, and at the offender's own port. */
export type Way = 'in' | 'out' | 'port';

export interface Recording {
  readonly name: string;
  /** One after another. */
  readonly commands: readonly { readonly by: Side; readonly command: readonly string[] }[];
  /** Its first packets. */
  readonly packets: number;
  readonly expected?: readonly RecordedAttack[];
  /** Its sources are not those of who sends it, which its port can tell. */
  readonly isForged?: boolean;
  /** Whose views it is judged by; left out: both sides', and of what is forged the victim's and that of the sender's port. */
  readonly ways?: readonly Way[];
  readonly allowed?: readonly Named[];
}

/** Seen by the victim, and by the offender, as the tenant: which of them are told apart, and who they are. */
export interface RecordedAttack {
  readonly detector: Named['detector'];
  readonly type?: string;
  /** Who does it; null: many; left out: whoever it is said to be. */
  readonly offender?: string | null;
  /** Whom it hits; null: many. */
  readonly victim: string | null;
}

const STRANGER = SIDES.stranger.address;
const TENANT = SIDES.tenant.address;

/** Answered, refused by port, and not answered at all, in turn. */
const PORTS = '--top-ports';
const SCANNED = '200';

const by = (side: Side, text: string) => ({ by: side, command: text.split(' ') });
const byStranger = (text: string) => [by('stranger', text)];

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

const portScan = (letter: string, type: string, allowed: readonly Named[] = []): Recording =>
  nmap(`s${letter}`, `-Pn -s${letter} ${PORTS} ${SCANNED} ${TENANT}`, { type }, allowed);

const NMAP: readonly Recording[] = [
  portScan('S', 'syn'),
  portScan('T', 'connect'),
  portScan('F', 'fin', ODD),
  portScan('N', 'null', ODD),
  portScan('X', 'xmas', ODD),
  portScan('A', 'ack'),
  portScan('W', 'window'),
  portScan('M', 'maimon', ODD),
  nmap('sU', `-Pn -sU --max-retries 1 --host-timeout 30s --top-ports 100 ${TENANT}`, { type: 'udp' }),
  nmap('sO', `-Pn -sO --max-retries 1 --host-timeout 30s ${TENANT}`, { type: 'ipProtocol' }),
  nmap('O', `-Pn -O ${PORTS} 100 ${TENANT}`, { type: 'syn' }, ODD),
  nmap('sS-T5', `-Pn -sS -T5 ${PORTS} 1000 ${TENANT}`, { type: 'syn' }),
  nmap('sS-T4', `-Pn -sS -T4 ${PORTS} ${SCANNED} ${TENANT}`, { type: 'syn' }),
  nmap('sS-T2', `-Pn -sS -T2 ${PORTS} 60 ${TENANT}`, { type: 'syn' }),
  nmap('sS-T1', `-Pn -sS -T1 ${PORTS} 20 ${TENANT}`, { type: 'syn' }),
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
  // The scanner is one of six; nobody can tell which.
  nmap(
    'sS-decoys',
    `-Pn -sS -D 203.0.113.31,203.0.113.32,203.0.113.33,ME,203.0.113.34,203.0.113.35 ${PORTS} 100 ${TENANT}`,
    { type: 'syn' },
    [{ detector: 'portScan', victim: TENANT }],
  ),
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
  nmap('sn-arp', '-sn -PR 192.0.2.0/24', {
    detector: 'hostSweep',
    type: 'arp',
    offender: SIDES.stranger.link,
    victim: null,
  }),
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

interface Flood {
  readonly name: string;
  readonly words: string;
  readonly detector: string;
  readonly type?: string;
  readonly packets?: number;
  readonly spoofed?: boolean;
  readonly allowed?: readonly Named[];
}

const SECONDS = '2';
const flood = ({ name, words, detector, type, packets = 4000, spoofed = false, allowed = [] }: Flood): Recording => ({
  name: `hping3-${name}`,
  commands: byStranger(
    `timeout ${SECONDS} hping3 -q -n --flood -N 7 ${spoofed ? '--rand-source' : `-a ${STRANGER}`} ${words} ${TENANT}`,
  ),
  packets,
  expected: [
    { detector, ...(type === undefined ? {} : { type }), offender: spoofed ? null : STRANGER, victim: TENANT },
  ],
  isForged: spoofed,
  allowed: [...allowed, ...(spoofed ? SPOOFED : [])],
});

/** Random sources are bogons and multicast addresses too. */
const SPOOFED: readonly Named[] = [{ detector: 'spoofedSource' }];
/** Whose flags no stack sends. */
const ODD_FLAGS: readonly Named[] = [{ detector: 'headerAnomaly' }];

const FLAGS: readonly Flood[] = [
  { name: 'syn', words: '-S -p 443 -M 1000 -L 1', detector: 'synFlood' },
  { name: 'syn-spoofed', words: '-S -p 443 -M 1000 -L 1', detector: 'synFlood', spoofed: true },
  { name: 'syn-ece-cwr', words: '-S -X -Y -p 443 -M 1000 -L 1', detector: 'synFlood' },
  { name: 'syn-psh-urg', words: '-S -P -U -p 443 -M 1000 -L 1', detector: 'synFlood', allowed: ODD_FLAGS },
  { name: 'syn-data', words: '-S -p 443 -d 512 -M 1000 -L 1', detector: 'synFlood' },
  { name: 'ack', words: '-A -p 443 -M 1000 -L 1', detector: 'tcpFlood', type: 'ack' },
  { name: 'ack-spoofed', words: '-A -p 443 -M 1000 -L 1', detector: 'tcpFlood', type: 'ack', spoofed: true },
  { name: 'psh-ack', words: '-P -A -p 443 -d 100 -M 1000 -L 1', detector: 'tcpFlood', type: 'ack' },
  { name: 'rst', words: '-R -p 443 -M 1000 -L 1', detector: 'tcpFlood', type: 'rst' },
  { name: 'rst-spoofed', words: '-R -p 443 -M 1000 -L 1', detector: 'tcpFlood', type: 'rst', spoofed: true },
  { name: 'fin', words: '-F -p 443 -M 1000 -L 1', detector: 'tcpFlood', allowed: ODD_FLAGS },
  { name: 'fin-ack', words: '-F -A -p 443 -M 1000 -L 1', detector: 'tcpFlood', type: 'fin' },
  { name: 'syn-ack', words: '-S -A -s 443 -k -p 40000 -M 1000 -L 1', detector: 'tcpFlood', type: 'backscatter' },
  {
    name: 'syn-ack-spoofed',
    words: '-S -A -s 443 -k -p 40000 -M 1000 -L 1',
    detector: 'tcpFlood',
    type: 'synAck',
    spoofed: true,
    packets: 3000,
  },
  { name: 'psh', words: '-P -p 443 -M 1000 -L 1', detector: 'tcpFlood', allowed: ODD_FLAGS },
  { name: 'urg', words: '-U -p 443 -M 1000 -L 1', detector: 'tcpFlood', allowed: ODD_FLAGS },
  { name: 'null', words: '-p 443 -M 1000 -L 1', detector: 'tcpFlood', allowed: ODD_FLAGS },
  { name: 'xmas', words: '-F -P -U -p 443 -M 1000 -L 1', detector: 'tcpFlood', allowed: ODD_FLAGS },
  { name: 'syn-fin', words: '-S -F -p 443 -M 1000 -L 1', detector: 'tcpFlood', allowed: ODD_FLAGS },
  { name: 'all-flags', words: '-S -F -R -P -A -U -X -Y -p 443 -M 1000 -L 1', detector: 'tcpFlood', allowed: ODD_FLAGS },
  { name: 'ece-cwr', words: '-X -Y -p 443 -M 1000 -L 1', detector: 'tcpFlood', allowed: ODD_FLAGS },
];

const DATAGRAMS: readonly Flood[] = [
  { name: 'udp', words: '--udp -s 4000 -k -p 7000 -d 64', detector: 'udpFlood', packets: 24_000 },
  {
    name: 'udp-spoofed',
    words: '--udp -s 4000 -k -p 7000 -d 64',
    detector: 'udpFlood',
    packets: 24_000,
    spoofed: true,
  },
  { name: 'udp-all-ports', words: '--udp -s 4000 -k -p ++1 -d 64', detector: 'udpFlood', packets: 24_000 },
  { name: 'icmp', words: '--icmp', detector: 'icmpFlood' },
  { name: 'icmp-spoofed', words: '--icmp', detector: 'icmpFlood', spoofed: true },
  { name: 'icmp-replies', words: '--icmp -C 0', detector: 'icmpFlood' },
  { name: 'icmp-unreachable', words: '--icmp -C 3 -K 3', detector: 'icmpFlood' },
  { name: 'icmp-timestamp', words: '--icmp -C 13', detector: 'icmpFlood' },
  { name: 'fragments-udp', words: '--udp -p 7000 -d 3000', detector: 'fragmentFlood' },
  { name: 'fragments-icmp', words: '--icmp -d 3000', detector: 'fragmentFlood' },
  { name: 'fragments-unfinished', words: '--udp -x -g 64 -d 400', detector: 'fragmentFlood' },
  { name: 'fragments-tiny', words: '-S -p 443 -f -d 64', detector: 'fragmentFlood', allowed: ODD_FLAGS },
];

const SERVICES: readonly (readonly [type: string, port: number, payload: number])[] = [
  ['dns', 53, 1200],
  ['ntp', 123, 440],
  ['ssdp', 1900, 300],
  ['cldap', 389, 1300],
  ['memcached', 11_211, 1400],
  ['snmp', 161, 900],
  ['chargen', 19, 1000],
  ['qotd', 17, 400],
  ['ike', 500, 300],
  ['ws-discovery', 3702, 1000],
  ['bacnet', 47_808, 500],
  ['sip', 5060, 600],
];

/** The sources stand for reflectors, who are not forged. */
const AMPLIFIERS = SERVICES.map(([type, port, payload]): Recording => {
  const words = `--udp -s ${port} -k -p 33000 -d ${payload}`;
  const name = `amplified-${type}`;
  const spoofed = flood({ name, words, detector: 'amplification', type, packets: 2500, spoofed: true });
  return { ...spoofed, isForged: false, ways: ['in'] };
});

const anomaly = (name: string, words: string, victim: string | null = TENANT): Recording => ({
  name: `odd-${name}`,
  commands: byStranger(`hping3 -q -n -c 20 -i u20000 -a ${STRANGER} ${words} ${TENANT}`),
  packets: 200,
  expected: [{ detector: 'headerAnomaly', offender: STRANGER, victim }],
});

const ANOMALIES: readonly Recording[] = [
  {
    name: 'odd-land',
    commands: byStranger(`hping3 -q -n -c 20 -i u20000 -S -a ${TENANT} -s 139 -k -p 139 ${TENANT}`),
    packets: 200,
    // From the victim's own address: a lie about the source as well.
    expected: [{ detector: 'headerAnomaly', type: 'land', victim: TENANT }],
    isForged: true,
    allowed: [{ detector: ['headerAnomaly', 'spoofedSource'] }],
  },
  anomaly('null', '-p 80'),
  anomaly('xmas', '-F -P -U -p 80'),
  anomaly('syn-fin', '-S -F -p 80'),
  anomaly('syn-rst', '-S -R -p 80'),
  anomaly('port-0', '-S -p 0 -s 0 -k'),
  anomaly('loose-source-route', `-S -p 80 --lsrr ${TENANT}`, null),
  anomaly('strict-source-route', `-S -p 80 --ssrr ${TENANT}`, null),
  anomaly('record-route', '--icmp -G'),
  anomaly('data-offset', '-S -p 80 -O 15'),
  anomaly('tiny-fragments', '-S -p 80 -f -d 40'),
];

const forged = (name: string, source: string): Recording => ({
  name: `forged-${name}`,
  commands: byStranger(`hping3 -q -n -c 100 -i u20000 -a ${source} -S -p 443 ${TENANT}`),
  packets: 400,
  expected: [{ detector: 'spoofedSource', victim: TENANT }],
  isForged: true,
});

/** Sources that cannot come from there. */
const FORGED: readonly Recording[] = [
  forged('own', `${SIDES.tenant.block}.77`),
  forged('private', '10.1.2.3'),
  forged('loopback', '127.0.0.1'),
  forged('link-local', '169.254.7.7'),
  forged('multicast', '224.0.0.9'),
  forged('broadcast', '255.255.255.255'),
  forged('zero', '0.0.0.0'),
];

const ipv6Flood = (name: string, command: string, detector: string, allowed: readonly Named[] = []): Recording => ({
  name: `thc-${name}`,
  commands: byStranger(`timeout ${SECONDS} ${command}`),
  packets: 1500,
  expected: [{ detector, victim: null }],
  ways: ['port'],
  allowed,
});

const IPV6_FLOODS: readonly Recording[] = [
  {
    ...ipv6Flood('denial6-2', 'atk6-denial6 edge0 2001:db8:1::2 2', 'extensionHeaderFlood', ODD_FLAGS),
    expected: [{ detector: 'extensionHeaderFlood', offender: SIDES.stranger.link6, victim: SIDES.tenant.link6 }],
    ways: ['in', 'out'],
  },
  ipv6Flood('solicitations', 'atk6-flood_solicitate6 edge0 2001:db8:1::2', 'neighbourFlood', SPOOFED),
  ipv6Flood('advertisements', 'atk6-flood_advertise6 edge0', 'neighbourFlood', SPOOFED),
  ipv6Flood('routers', 'atk6-flood_router26 edge0', 'neighbourFlood', SPOOFED),
];

const CARPET: readonly Recording[] = [
  {
    name: 'hping3-carpet-udp',
    commands: byStranger(
      `timeout ${SECONDS} hping3 -q -n --flood -N 7 -a ${STRANGER} --udp -s 4000 -k -p 7000 -d 200 -I edge0 --rand-dest ${SIDES.tenant.block}.x`,
    ),
    packets: 16_000,
    expected: [{ detector: 'carpetBomb', victim: null }],
  },
];

const quiet = (name: string, packets: number, commands: Recording['commands']): Recording => ({
  name: `quiet-${name}`,
  packets,
  commands,
});

const BENIGN: readonly Recording[] = [
  quiet('iperf3-download', 1500, [by('tenant', `iperf3 -c ${STRANGER} -t 2 -R`)]),
  quiet('iperf3-upload', 1500, [by('tenant', `iperf3 -c ${STRANGER} -t 2`)]),
  quiet('iperf3-udp', 2000, [by('tenant', `iperf3 -c ${STRANGER} -u -b 10M -l 1200 -t 3`)]),
  quiet('ab', 2500, [by('stranger', `ab -q -n 500 -c 20 http://${TENANT}:80/`)]),
  quiet('ab-refused', 3000, [by('stranger', `ab -q -r -n 20 -c 1 http://${TENANT}:81/`)]),
  quiet('wrk', 2500, [by('stranger', `wrk -t 1 -c 30 -d 2s http://${TENANT}:80/`)]),
  quiet('resolver', 4000, [by('tenant', 'dig +tries=1 +time=1 -p 5353 @127.0.0.1 -f QUERIES')]),
  quiet(
    'trunks',
    3000,
    Array.from({ length: 60 }, (_, i) =>
      by(
        'tenant',
        `timeout 3 sipp -sf SCENARIO -m 1 -r 10 -nostdin -timeout 2 -i ${TENANT} -p ${6000 + i} ${SIDES.stranger.block}.${i + 1}:5060`,
      ),
    ),
  ),
  quiet('fping', 4000, [
    by('tenant', `fping -q -c 6 -p 1500 -i 5 -r 0 -g ${SIDES.stranger.block}.20 ${SIDES.stranger.block}.135`),
  ]),
  quiet('mesh', 6000, [by('tenant', 'NODE MESH')]),
  quiet('arping', 200, [by('tenant', 'arping -q -c 8 -W 0.2 -i edge0 192.0.2.1')]),
  quiet('nping-udp', 400, [by('stranger', `nping -q --udp -p 5060,5061 -c 10 --delay 100ms ${TENANT}`)]),
  quiet('nping-tcp', 400, [by('stranger', `nping -q --tcp-connect -p 80,443 -c 20 --delay 50ms ${TENANT}`)]),
  quiet('ping', 400, [by('stranger', `nping -q --icmp -c 60 --delay 50ms ${TENANT}`)]),
  quiet('traceroute', 400, [by('tenant', `nmap -n -sn -PE --traceroute ${STRANGER}`)]),
];

export const RECORDINGS: readonly Recording[] = [
  ...NMAP,
  ...SWEEPERS,
  ...[...FLAGS, ...DATAGRAMS].map(flood),
  ...AMPLIFIERS,
  ...CARPET,
  ...IPV6_FLOODS,
  ...FORGED,
  ...ANOMALIES,
  ...BENIGN,
];
