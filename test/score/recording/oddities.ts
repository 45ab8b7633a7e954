/** Headers that no stack sends, and sources that cannot be true. */
import { byStranger, type Recording, STRANGER, TENANT } from './recording.ts';
import { SIDES } from './stage.ts';

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
  // To whoever listens in between: the host never sees them.
  anomaly('expiring', '-P -A -d 20 -t 1 -p 80'),
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
  {
    ...forged('zero', '0.0.0.0'),
    // A raw socket of hping3's has the kernel put an address of its own there.
    commands: byStranger(
      `nping -q --tcp --flags syn -p 443 -S 0.0.0.0 --send-eth -e edge0 --dest-mac ${SIDES.tenant.card} -c 100 --delay 20ms ${TENANT}`,
    ),
  },
];

/** The router's address, told to a tenant again and again by somebody else. */
const POISONED: readonly Recording[] = [
  {
    name: 'arp-poison',
    commands: byStranger(
      `arping -q -P -c 30 -W 0.1 -i edge0 -S 192.0.2.254 -t ${SIDES.tenant.card} ${SIDES.tenant.link}`,
    ),
    packets: 200,
    expected: [{ detector: 'spoofedSource', type: 'arpReply', offender: '192.0.2.254', victim: SIDES.tenant.link }],
    ways: ['in'],
  },
];

export const ODDITIES: readonly Recording[] = [...FORGED, ...ANOMALIES, ...POISONED];
