/** What must be named in the labelled captures of others, in our own words: the file, whose traffic it is, and what is wrong with it. */
import type { Attack, CaptureTrial } from './captureTrial.ts';
import type { Place } from './observe.ts';
import type { Named, TrialKind, WrittenTenant } from './trial.ts';

/** Traffic between two sides; it is judged once with each of them as the tenant. */
interface Aggression {
  readonly detector: Named['detector'];
  readonly type?: string;
  /** Who does it; left out: so many that none of them is a tenant. */
  readonly offender?: string;
  /** Whom it hits. */
  readonly victims: readonly string[];
  /** Hits many: nobody in particular is the victim. */
  readonly isWide?: boolean;
  /** Its sources are forged, so that it is also judged at the port of whoever sends it. */
  readonly isForged?: boolean;
  readonly allowed?: readonly Named[];
}

interface Expectation {
  readonly file: string;
  readonly kind: TrialKind;
  readonly attack?: Aggression;
  /** In place of those that follow from the attack, or of the private addresses. */
  readonly tenants?: readonly WrittenTenant[];
  readonly place?: Place;
  readonly expected?: readonly Attack[];
  readonly allowed?: readonly Named[];
}

const VICTIM = '10.10.10.10';

const FLOODS: Readonly<Record<string, Aggression>> = {
  // 4,276 agents answer a question that was not asked, within 23 ms; some routers send ICMP errors with them.
  'st-amp.UDP.snmp.src161.pcapng': { detector: 'amplification', type: 'snmp', victims: [VICTIM] },
  // Answers of DNS in fragments, beside a connection of somebody else.
  'st-amp.dns.RRSIG.fragmented.pcap': { detector: 'amplification', type: 'dns', victims: [VICTIM] },
  'st-pkt.TCP.synflood.spoofed.pcap': { detector: 'synFlood', victims: [VICTIM], isForged: true },
  // Echo requests behind authentication headers, 6,700 a second.
  'su-denial6-5.pcap.gz': { detector: 'extensionHeaderFlood', offender: '2001:db8:1::2', victims: ['2001:db8:1::1'] },
  // One source; both ends have addresses that are for documentation only.
  'su-tcp-session-syn-flood-drop-precedence__input.pcap': {
    detector: 'synFlood',
    offender: '192.0.2.10',
    victims: ['198.51.100.5'],
    allowed: [{ detector: 'spoofedSource' }],
  },
};

const SCANS: Readonly<Record<string, Aggression>> = {
  'nd-synscan.pcap': { detector: 'portScan', type: 'syn', offender: '172.16.0.8', victims: ['64.13.134.52'] },
  'ph-hs-icmpScan.pcap': {
    detector: 'hostSweep',
    type: 'icmp',
    offender: '10.0.0.128',
    victims: ['10.0.0.0/25'],
    isWide: true,
  },
  'ph-hs-tcp_synPingSweepRand.pcapng': {
    detector: 'hostSweep',
    type: 'syn',
    offender: '10.0.0.128',
    victims: ['10.0.0.0/25'],
    isWide: true,
  },
  // A thousand ports at each of three hosts.
  'ph-ps-udp.pcap': {
    detector: 'portScan',
    type: 'udp',
    offender: '10.0.0.135',
    victims: ['10.0.0.1', '10.0.0.2', '10.0.0.254'],
    isWide: true,
  },
  // All hosts of the link are asked for by ARP, and some then by SYN.
  'ze-nmap-vsn.pcap': {
    detector: 'hostSweep',
    type: 'arp',
    offender: '192.168.1.71',
    victims: ['192.168.1.0/26'],
    isWide: true,
  },
};

/** Fragments that overlap, lie about their size or their place, of thc-ipv6's fragmentation6. */
const FRAGMENTATION6 = [1, 3, 6, 8, 10, 12, 16, 18, 23, 25, 27, 29, 31, 33, 36].map((number): [string, Aggression] => [
  `su-frag-${number}.pcap`,
  { detector: 'headerAnomaly', offender: '2001:db8:1::2', victims: ['2001:db8:1::1'] },
]);

const ANOMALIES: Readonly<Record<string, Aggression>> = {
  // The probes of nmap -O; its SYNs go to ports that answer, too few to be a scan.
  'cs-activeosfingerprinting.pcapng': {
    detector: 'headerAnomaly',
    offender: '172.16.16.128',
    victims: ['172.16.16.150'],
    allowed: [{ detector: 'portScan', offender: '172.16.16.128' }],
  },
  // Fragments of 16 bytes, more than a thousand in a second.
  'nd-ip_fragmented_garbage.pcap': {
    detector: 'headerAnomaly',
    offender: '10.0.0.2',
    victims: ['10.128.0.2'],
    allowed: [{ detector: 'fragmentFlood', offender: '10.0.0.2' }],
  },
  // Source routes and recorded routes among harmless options; a packet with a route goes to the next on it first.
  'su-detect-ipopts__input.pcap': {
    detector: 'headerAnomaly',
    offender: '9.10.11.12',
    victims: ['13.14.15.16', '1.2.3.4', '1.1.1.1'],
    isWide: true,
  },
  // SYN with FIN and URG, and an option that is cut short.
  'su-urgent11_cve_2019_12260.pcap': {
    detector: 'headerAnomaly',
    offender: '192.168.1.24',
    victims: ['178.128.142.56'],
  },
  ...Object.fromEntries(FRAGMENTATION6),
};

const A_NOTE: readonly Named[] = [{ detector: ['headerAnomaly', 'spoofedSource'] }];

/** At the port of a tenant whose addresses are not among those of the capture. */
const PORT: readonly WrittenTenant[] = [{ id: 'port', addresses: ['192.0.2.0/24'] }];
const AT_PORT: Place = { port: 'port', host: '02:00:5e:10:00:01' };

function atPort(file: string, named: readonly Named[]): Expectation {
  const expected = named.map((each) => ({ ...each, tenant: 'port', direction: 'outbound' as const }));
  return { file, kind: 'attack', tenants: PORT, place: AT_PORT, expected, allowed: A_NOTE };
}

const ODDITIES: readonly Expectation[] = [
  // From everybody to nobody: only at somebody's own port is there somebody to name.
  atPort('spoof-anomalies/ar-ip-boundaries.pcap', [{ detector: 'spoofedSource' }]),
  // A host talks to itself, by two ports: no land attack.
  { file: 'spoof-anomalies/ar-mysql-deny.pcap', kind: 'benign' },
  {
    // The gateway's address comes from another card than the gateway's.
    file: 'spoof-anomalies/cs-arppoison.pcapng',
    kind: 'attack',
    tenants: [{ id: 'gateway', addresses: ['172.16.0.1/32'], macs: ['00:26:0b:31:07:33'] }],
    expected: [{ detector: 'spoofedSource', tenant: 'gateway', packets: { from: ['172.16.0.1'] } }],
  },
  { file: 'spoof-anomalies/cs-ip_frag_source.pcapng', kind: 'benign' },
  // Answers of DNS that were captured without what is behind their headers.
  { file: 'spoof-anomalies/nd-badpackets.pcap', kind: 'benign' },
  {
    // A forged router advertisement takes the router away.
    file: 'spoof-anomalies/su-kill_router6.pcap',
    kind: 'attack',
    tenants: [{ id: 'link', addresses: ['2001:db8:1::/64', 'fe80::/10'] }],
    expected: [{ detector: ['spoofedSource', 'headerAnomaly'], packets: { to: ['ff02::1'] } }],
  },
  // The second fragments overlap the first: worth a note.
  { file: 'spoof-anomalies/ze-fragmented-1.pcap', kind: 'other', allowed: A_NOTE },
  { file: 'spoof-anomalies/ze-fragmented-3.pcap', kind: 'benign' },
  // Loopback's addresses in an Ethernet frame may be noted; a checksum that is wrong may not.
  { file: 'spoof-anomalies/ze-ip4-bad-chksum.pcap', kind: 'other', allowed: [{ detector: 'spoofedSource' }] },
  { file: 'spoof-anomalies/ze-ip4-tcp-good-chksum.pcap', kind: 'other', allowed: [{ detector: 'spoofedSource' }] },
  { file: 'spoof-anomalies/ze-ip6-udp-bad-chksum.pcap', kind: 'benign' },
  // Loopback's addresses on a wire.
  atPort('spoof-anomalies/ze-option-sack.pcap', [{ detector: 'spoofedSource' }]),
  // 250 clients ask for addresses and get them.
  { file: 'floods/ze-dhcp_flood.pcap', kind: 'other' },
  {
    // Only the answers to a scan of IP protocols: whoever they go to has scanned, whoever sends them has not.
    file: 'scans/ph-hs-sh-IPscan.pcapng',
    kind: 'other',
    allowed: [{ detector: 'portScan', offender: '10.0.0.128' }],
  },
  // A SYN in fragments so small that they hide its flags.
  { file: 'formats/su-frag-ppp-ip-tcp-syn.pcap', kind: 'other', allowed: A_NOTE },
  // Passwords are guessed, which is not for these detectors.
  { file: 'scans/ze-sshguess.pcap', kind: 'other' },
];

/** Whole folders that have nothing for these detectors. */
const FOLDERS: readonly { folder: string; kind: TrialKind; allowed: readonly Named[] }[] = [
  { folder: 'benign', kind: 'benign', allowed: [] },
  { folder: 'formats', kind: 'benign', allowed: [] },
  { folder: 'malformed', kind: 'other', allowed: A_NOTE },
  { folder: 'sip-rtp', kind: 'other', allowed: [] },
  { folder: 'smtp', kind: 'other', allowed: [] },
  { folder: 'worm-malware', kind: 'other', allowed: [] },
];

const attacksIn = (folder: string, attacks: Readonly<Record<string, Aggression>>): Expectation[] =>
  Object.entries(attacks).map(([file, attack]) => ({ file: `${folder}/${file}`, kind: 'attack', attack }));

/** Of files; those of whole folders are made from what is there. */
const EXPECTATIONS: readonly Expectation[] = [
  ...attacksIn('floods', FLOODS),
  ...attacksIn('scans', SCANS),
  ...attacksIn('spoof-anomalies', ANOMALIES),
  ...ODDITIES,
];

/** RFC 1918, 3927, 4193, 4291: where the inside of a captured network usually lies. */
const INSIDE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.0.0/16', 'fc00::/7', 'fe80::/10'];
/** Everything, which a longer prefix may take something of. */
const ALL = ['0.0.0.0/0', '::/0'];

/** Both sides of what is harmless must stay harmless, and what was captured inside must at one's own port. */
const SIDES: readonly {
  side: string;
  tenants: readonly WrittenTenant[];
  port?: string;
  folders?: readonly string[];
}[] = [
  { side: 'port', tenants: [{ id: 'inside', addresses: INSIDE }], port: 'inside', folders: ['benign'] },
  { side: 'inside', tenants: [{ id: 'inside', addresses: INSIDE }] },
  {
    side: 'outside',
    tenants: [
      { id: 'outside', addresses: ALL },
      { id: 'inside', addresses: INSIDE },
    ],
  },
];

/** The folders that the expectations speak of. */
export const LABELLED_FOLDERS = ['floods', 'scans', 'spoof-anomalies', ...FOLDERS.map(({ folder }) => folder)];

/** The trials of these captures, given as `folder/file`. Throws where one has no expectation, or the other way round. */
export function trialsOf(files: readonly string[], pathOf: (file: string) => string): CaptureTrial[] {
  const known = new Map(EXPECTATIONS.map((expectation) => [expectation.file, expectation]));
  const gone = [...known.keys()].filter((file) => !files.includes(file));
  if (gone.length > 0) throw new Error(`Cannot judge: there is no capture ${gone.join(', ')}`);
  return files.flatMap((file) => {
    const expectation = known.get(file) ?? byFolder(file);
    return trialsOfOne(expectation).map((trial) => ({ ...trial, path: pathOf(file) }));
  });
}

function byFolder(file: string): Expectation {
  const entry = FOLDERS.find(({ folder }) => file.startsWith(`${folder}/`));
  if (entry === undefined) throw new Error(`Cannot judge ${file}: nothing says what is expected of it`);
  return { file, kind: entry.kind, allowed: entry.allowed };
}

function trialsOfOne({
  file,
  kind,
  attack,
  tenants,
  place = {},
  expected = [],
  allowed = [],
}: Expectation): Omit<CaptureTrial, 'path'>[] {
  if (attack !== undefined) return waysOf(file, attack);
  if (tenants !== undefined) return [{ name: file, kind, tenants, ...place, expected, allowed }];
  const [folder = ''] = file.split('/');
  return SIDES.filter(({ folders }) => folders?.includes(folder) ?? true).map(
    ({ side, tenants: theirs, port: at }) => ({
      name: `${file} ${side}`,
      kind,
      tenants: theirs,
      ...(at === undefined ? {} : { port: at }),
      allowed,
    }),
  );
}

/** RFC 1918: true of itself, where it comes from the internet. */
const isPrivate = (address: string): boolean => /^(?:10|192\.168|172\.(?:1[6-9]|2\d|3[01]))\./.test(address);
const bogon = (offender: string | undefined): readonly Named[] =>
  offender !== undefined && isPrivate(offender) ? [{ detector: 'spoofedSource', offender }] : [];

/** Who sends odd headers is known at the first of them, whom else they hit is not. */
const isAboutSender = (detector: Named['detector']): boolean => detector === 'headerAnomaly';

/** The same attack with the victim as the tenant, and with the offender. */
function waysOf(file: string, attack: Aggression): Omit<CaptureTrial, 'path'>[] {
  const { detector, offender, victims, isWide = false, allowed = [] } = attack;
  const type = attack.type === undefined ? {} : { type: attack.type };
  const from = offender === undefined ? {} : { from: [offender] };
  const victim = isWide || victims[0] === undefined ? {} : { victim: victims[0] };
  const common: Attack = { detector, ...type, ...victim, packets: { ...from, to: victims } };
  const inbound: Omit<CaptureTrial, 'path'> = {
    name: `${file} in`,
    kind: 'attack',
    tenants: [{ id: 'victim', addresses: victims }],
    expected: [{ ...common, tenant: 'victim', direction: 'inbound', offender: offender ?? null }],
    allowed: [...allowed, ...bogon(offender)],
  };
  if (offender === undefined && attack.isForged === true) {
    const forged = { tenant: 'port', direction: 'outbound' as const };
    const expected = [
      { ...common, ...forged },
      { detector: 'spoofedSource', ...forged },
    ];
    return [inbound, { name: `${file} port`, kind: 'attack', tenants: PORT, ...AT_PORT, expected, allowed }];
  }
  if (offender === undefined) return [inbound];
  const { victim: _, ...wide } = common;
  const outbound: Omit<CaptureTrial, 'path'> = {
    name: `${file} out`,
    kind: 'attack',
    tenants: [{ id: 'offender', addresses: [offender] }],
    expected: [
      {
        ...(isAboutSender(detector) ? wide : common),
        packets: from,
        tenant: 'offender',
        direction: 'outbound',
        offender,
      },
    ],
    allowed,
  };
  return [inbound, outbound];
}
