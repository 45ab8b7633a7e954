/** Floods by hping3 and thc-ipv6. What does not matter is the same in all packets, which keeps the files small. */
import type { Named } from '../trial.ts';
import { byStranger, type Recording, STRANGER, TENANT } from './recording.ts';
import { SIDES } from './stage.ts';

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
  const content = type === 'sip' ? ' -E RESPONSE' : '';
  const words = `--udp -s ${port} -k -p 33000 -d ${payload}${content}`;
  const name = `amplified-${type}`;
  const spoofed = flood({ name, words, detector: 'amplification', type, packets: 2500, spoofed: true });
  return { ...spoofed, isForged: false, ways: ['in'] };
});

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

export const FLOODS: readonly Recording[] = [
  ...[...FLAGS, ...DATAGRAMS].map(flood),
  ...AMPLIFIERS,
  ...CARPET,
  ...IPV6_FLOODS,
];
