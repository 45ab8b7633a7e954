/** The filters: on an interface those that redirect a limited tenant's packets, on the ifb devices those that choose the class. */
import type { Prefix } from '../tenants/prefix.ts';
import type { Faces, Limit } from './limit.ts';
import {
  ANCHOR,
  ANCHOR_RULE,
  BULK,
  classidOf,
  CLSACT_MARK,
  clsactKey,
  cookieOf,
  type DesiredObject,
  type Device,
  DEVICE_LISTS,
  devicesOf,
  FIRST_EXEMPT,
  FIRST_LINK,
  filterAt,
  filterKey,
  HOOK_LISTS,
  type HookList,
  inboundDevice,
  type Layer,
  outboundDevice,
  PASS,
  type Place,
  PORT_RULE,
  shardOf,
  VOICE,
} from './tcObject.ts';
import { ANY, BUCKETS, HASH, type Protocol, prefixWords, protocolOf, renderRule, type Rule, type Word } from './u32.ts';

/** A prefix in the bucket and under the item number that it has in every table. */
export interface Match {
  readonly prefix: Prefix;
  readonly bucket: number;
  readonly item: number;
}

/** A limit with its place in the tables. */
export interface PlacedLimit {
  readonly limit: Limit;
  readonly matches: readonly Match[];
  /** What is within them and not limited. */
  readonly spared: readonly Match[];
  /** The item number in the tables by interface. */
  readonly portItem: number;
}

const word = (value: number, mask: number, at: number): Word => ({ value, mask, at });

/** What goes through the voice leaf. Ports are read where they are without IP options: others are bulk, not lost. */
const VOICE_WORDS: Readonly<Record<Protocol, readonly (readonly Word[])[]>> = {
  ip: [
    [word(0x00b80000, 0x00fc0000, 0)], // DSCP EF (RFC 3246)
    [word(0, 0x0000fe00, 0), word(0x00110000, 0x00ff0000, 8)], // UDP, total length below 512
    [word(0x13c40000, 0xfffe0000, 20)], // SIP from 5060 or 5061
    [word(0x000013c4, 0x0000fffe, 20)], // SIP to them
  ],
  ipv6: [
    [word(0x0b800000, 0x0fc00000, 0)],
    [word(0x00001100, 0xfe00ff00, 4)], // UDP, payload length below 512
    [word(0x13c40000, 0xfffe0000, 40)],
    [word(0x000013c4, 0x0000fffe, 40)],
    // Neighbour discovery (RFC 4861): ICMPv6 types 132 … 135, 136 and 137. No call survives a lost neighbour.
    [word(0x00003a00, 0x0000ff00, 4), word(0x84000000, 0xfc000000, 40)],
    [word(0x00003a00, 0x0000ff00, 4), word(0x88000000, 0xfe000000, 40)],
  ],
};

function filter(layer: Layer, place: Place, handle: string, rule: Rule | string): DesiredObject {
  const state = typeof rule === 'string' ? rule : renderRule(rule);
  const table = /^(\w+:\w*:)\w+$/.exec(handle)?.[1];
  const words = `${filterAt(place, handle)} ${table === undefined ? '' : `ht ${table} `}${state}`;
  return { layer, key: filterKey(place, handle), state, add: `filter add ${words}`, change: null };
}

/** As tc shows it: bucket 0 is left out. */
const handleIn = (table: string, bucket: number, item: number): string =>
  `${table}${bucket === 0 ? '' : bucket.toString(16)}:${item.toString(16)}`;

/** The filters of a device: they choose between the leaves, and look the tenant up. */
export function deviceLists(device: Device): DesiredObject[] {
  return DEVICE_LISTS.flatMap(({ pref, protocol, tables }) => {
    const place: Place = { device: device.name, parent: 'parent face:', pref, protocol };
    const hash = HASH[protocol][device.side];
    const links: Rule[] = [
      ...VOICE_WORDS[protocol].map((words) => ({ words, hash, link: tables.voice })),
      ...VOICE_WORDS[protocol].map((words) => ({ words, link: tables.portVoice })),
      { words: [ANY], hash, link: tables.bulk },
      { words: [ANY], link: tables.portBulk },
    ];
    return [
      filter('anchor', place, ANCHOR, ANCHOR_RULE),
      ...[tables.voice, tables.bulk].map((table) => filter('table', place, table, `divisor ${BUCKETS}`)),
      ...[tables.portVoice, tables.portBulk].map((table) => filter('table', place, table, 'divisor 1')),
      ...links.map((rule, i) => filter('link', place, `::${(i + 2).toString(16)}`, rule)),
    ];
  });
}

const hookPlace = (device: string, { hook, pref, protocol }: HookList): Place => ({
  device,
  parent: hook,
  pref,
  protocol,
});

/** The filters of an interface that limits are at, but for those of the limits; no packet to or from `exempt` is steered. */
export function interfaceLists(name: string, faces: Faces, exempt: readonly Prefix[]): DesiredObject[] {
  const first = hookPlace(name, HOOK_LISTS[0]);
  const clsact: DesiredObject = {
    layer: 'clsact',
    key: clsactKey(name),
    state: 'present',
    add: `qdisc add dev ${name} clsact\n${filter('hookAnchor', first, CLSACT_MARK, ANCHOR_RULE).add}`,
    change: null,
  };
  const lists = HOOK_LISTS.flatMap((list) => [
    filter('hookAnchor', hookPlace(name, list), ANCHOR, ANCHOR_RULE),
    ...exempt.flatMap((prefix, i) => passRules(name, list, prefix, i)),
    ...(faces === 'internet' ? hookTables(name, list) : []),
  ]);
  return [clsact, ...lists];
}

const rootHandle = (item: number): string => `::${item.toString(16)}`;

function passRules(name: string, list: HookList, prefix: Prefix, i: number): DesiredObject[] {
  if (protocolOf(prefix) !== list.protocol) return [];
  return SIDES.map((side, k) =>
    filter('pass', hookPlace(name, list), rootHandle(FIRST_EXEMPT + 2 * i + k), {
      words: prefixWords(prefix, side),
      flowid: PASS,
    }),
  );
}

const SIDES = ['src', 'dst'] as const;

/** An interface to the internet has tenants on this side of it and beyond: it looks for them as source and destination. */
function hookTables(name: string, list: HookList): DesiredObject[] {
  const place = hookPlace(name, list);
  return SIDES.flatMap((side, i) => [
    filter('hookTable', place, list.tables[side], `divisor ${BUCKETS}`),
    filter('hookLink', place, rootHandle(FIRST_LINK + i), {
      words: [ANY],
      hash: HASH[list.protocol][side],
      link: list.tables[side],
    }),
  ]);
}

/** The filters of a limit at its interface. */
export const steer = (placed: PlacedLimit): DesiredObject[] =>
  placed.limit.faces === 'internet' ? steerByAddress(placed) : steerPort(placed);

/**
 * On both devices by address; the port of a tenant also by interface, whatever addresses its packets claim. The
 * interface is compared in either case, so that a forged source never fills another tenant's limit.
 */
export function classify({ limit, matches, portItem }: PlacedLimit): DesiredObject[] {
  const rule = (words: readonly Word[], part: number): Rule => ({
    words,
    indev: limit.interface,
    flowid: classidOf(limit.slot, part),
  });
  return devicesOf(shardOf(limit.slot)).flatMap(({ name, side }) =>
    DEVICE_LISTS.flatMap(({ pref, protocol, tables }) => {
      const place: Place = { device: name, parent: 'parent face:', pref, protocol };
      const byAddress = matches
        .filter(({ prefix }) => protocolOf(prefix) === protocol)
        .flatMap(({ prefix, bucket, item }) => {
          const words = prefixWords(prefix, side);
          return [
            filter('rule', place, handleIn(tables.voice, bucket, item), rule(words, VOICE)),
            filter('rule', place, handleIn(tables.bulk, bucket, item), rule(words, BULK)),
          ];
        });
      if (limit.faces === 'internet') return byAddress;
      return [
        ...byAddress,
        filter('rule', place, handleIn(tables.portVoice, 0, portItem), rule([ANY], VOICE)),
        filter('rule', place, handleIn(tables.portBulk, 0, portItem), rule([ANY], BULK)),
      ];
    }),
  );
}

function steerByAddress({ limit, matches, spared }: PlacedLimit): DesiredObject[] {
  const devices = devicesOf(shardOf(limit.slot));
  const cookie = cookieOf(limit.slot);
  return HOOK_LISTS.flatMap((list) => {
    const place = hookPlace(limit.interface, list);
    const ofList = (all: readonly Match[]): Match[] => all.filter(({ prefix }) => protocolOf(prefix) === list.protocol);
    const handle = (side: Device['side'], { bucket, item }: Match): string => handleIn(list.tables[side], bucket, item);
    return devices.flatMap(({ name, side }) => [
      ...ofList(spared).map((match) =>
        filter('pass', place, handle(side, match), { words: prefixWords(match.prefix, side), flowid: PASS }),
      ),
      ...ofList(matches).map((match) =>
        filter('steering', place, handle(side, match), {
          words: prefixWords(match.prefix, side),
          redirect: { to: name, cookie },
        }),
      ),
    ]);
  });
}

/**
 * All IP of a tenant's own port; what enters the host there is what the tenant sends. ARP passes by, and so do frames
 * with a VLAN tag: their port is the VLAN's own interface.
 */
function steerPort({ limit }: PlacedLimit): DesiredObject[] {
  const shard = shardOf(limit.slot);
  return HOOK_LISTS.map((list) => {
    const device = list.hook === 'ingress' ? outboundDevice(shard) : inboundDevice(shard);
    const redirect = { to: device.name, cookie: cookieOf(limit.slot) };
    return filter('steering', hookPlace(limit.interface, list), PORT_RULE, { words: [ANY], redirect });
  });
}
