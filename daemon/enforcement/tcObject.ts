/** What Weir has in the kernel, as flat objects that can be compared, and the handles by which it knows its own. */
import type { Protocol } from './u32.ts';

/** The order of adding; the reverse is the order of removing: no packet is steered to what is not there. */
export const LAYERS = [
  'device',
  'root',
  'anchor',
  'table',
  'class',
  'leafClass',
  'leaf',
  'link',
  'rule',
  'clsact',
  'hookAnchor',
  'hookTable',
  'hookLink',
  'pass',
  'steering',
] as const;
export type Layer = (typeof LAYERS)[number];

/** Where an object stands in the order of adding. */
export const layerOrder = ({ layer }: { readonly layer: Layer }): number => LAYERS.indexOf(layer);

/** An object as the plan wants it. */
export interface DesiredObject {
  readonly layer: Layer;
  /** Which one it is: device, parent and handle. */
  readonly key: string;
  /** What of it is compared, as text. */
  readonly state: string;
  /** A line of `tc -batch`, of `ip -batch` for a device; `\n` between two. */
  readonly add: string;
  /** The line that brings another state to this one; null: it is removed and added. */
  readonly change: string | null;
}

/** An object as it was found in the kernel. */
export interface StandingObject {
  readonly layer: Layer;
  readonly key: string;
  readonly state: string;
  /** null: it is not ours to remove. */
  readonly remove: string | null;
  /** The key of the object whose removal takes this one along. */
  readonly within: string | null;
  /** Steering only: the device that packets are redirected to. */
  readonly target: string | null;
}

/**
 * Tenants whose queues are on one pair of devices. The kernel looks at all classes of a device for each that is added
 * (sch_api.c, `tc_bind_tclass`), so that 1,000 tenants on one pair take twice as long as 500 on each of two.
 */
const SHARD_TENANTS = 500;
/** The configuration has room for so many. */
export const MAX_SLOT = 65_000;
export const shardOf = (slot: number): number => Math.floor((slot - 1) / SHARD_TENANTS);

/** An ifb device: all that tenants of the shard send goes through the one, all that they are sent through the other. */
export interface Device {
  readonly name: string;
  readonly side: 'src' | 'dst';
}
/** The names of the first pair have no number. */
export const outboundDevice = (shard: number): Device => ({ name: `weir-out${shard || ''}`, side: 'src' });
export const inboundDevice = (shard: number): Device => ({ name: `weir-in${shard || ''}`, side: 'dst' });
export const devicesOf = (shard: number): readonly [Device, Device] => [outboundDevice(shard), inboundDevice(shard)];
export const DEVICE_NAME = /^weir-(?:out|in)\d{0,3}$/;

/** The link address by which a device is known as ours: the kernel takes it with the making, an alias only later. */
export const DEVICE_ADDRESS = '02:77:65:69:72:01';
export const ALIAS = 'weir:v1';
export const DEVICE_STATE = `${ALIAS} up`;

export const ROOT = 'face:';
export const ROOT_STATE = 'htb default 0';

/** Minor numbers of a tenant's classes on its devices: the inner one is four times its place there, its leaves come next. */
export const INNER = 0;
export const VOICE = 1;
export const BULK = 2;
/** Leaf qdiscs take the minor as their major number. */
export const minorOf = (slot: number, part: number): string =>
  (((slot - 1) % SHARD_TENANTS) * 4 + 4 + part).toString(16);
export const classidOf = (slot: number, part: number): string => `${ROOT}${minorOf(slot, part)}`;

/** A u32 item has 12 bits; 0 is none. The first of a bucket are looked at first: they are for what is not to be steered. */
export const PASS_ITEMS = 15;
export const MAX_ITEMS = 4095 - PASS_ITEMS;

/** Where a list of filters hangs. */
export interface Place {
  readonly device: string;
  readonly parent: `parent ${typeof ROOT}` | 'egress' | 'ingress';
  readonly pref: number;
  readonly protocol: Protocol;
}

/** The filter lists of a device, one for each protocol, and their tables: by address, then by interface. */
export const DEVICE_LISTS = [
  { pref: 4, protocol: 'ip', tables: { voice: '4a:', bulk: '4b:', portVoice: '4c:', portBulk: '4d:' } },
  { pref: 6, protocol: 'ipv6', tables: { voice: '6a:', bulk: '6b:', portVoice: '6c:', portBulk: '6d:' } },
] as const;

/**
 * The filter lists of an interface's clsact. No two share a pref or a table, since both hooks of one clsact have one
 * space of u32 tables (cls_u32.c, `tc_u_common`).
 */
export const HOOK_LISTS = [
  { hook: 'egress', pref: 64206, protocol: 'ip', tables: { src: '7a0:', dst: '7a1:' } },
  { hook: 'egress', pref: 64207, protocol: 'ipv6', tables: { src: '7a2:', dst: '7a3:' } },
  { hook: 'ingress', pref: 64208, protocol: 'ip', tables: { src: '7a4:', dst: '7a5:' } },
  { hook: 'ingress', pref: 64209, protocol: 'ipv6', tables: { src: '7a6:', dst: '7a7:' } },
] as const;
export type HookList = (typeof HOOK_LISTS)[number];

/** Rules of a list's root table. The kernel numbers that table itself; `::1` is rule 1 of whichever it is. */
export const ANCHOR = '::1';
/** Behind the anchor: what is not to be steered; then the links to the tables, and what steers a whole port. */
export const FIRST_EXEMPT = 0x10;
export const FIRST_LINK = 0xf00;
export const PORT_RULE = '::f10';
/** Where packets go that are not to be steered: a class that there is not, at which the search ends. */
export const PASS = `${ROOT}ffff`;
/** Says that the clsact is ours, too: it was not there before. */
export const CLSACT_MARK = '::fff';

/**
 * "weir", compared with the first word of the header, to no consequence. The anchor shows a list as ours, and it brings
 * tables to light that outlived their list because somebody else's u32 filters kept the interface's table space alive.
 */
export const ANCHOR_RULE = 'match u32 0x77656972 0xffffffff at 0';

/** The key of a filter, or of a table. */
export const filterKey = ({ device, parent, pref }: Place, handle: string): string =>
  `${device} ${parent} pref ${pref} ${handle}`;

/** The words that name a filter to tc, after `filter add` or `filter del`. */
export const filterAt = ({ device, parent, pref, protocol }: Place, handle: string): string =>
  `dev ${device} ${parent} pref ${pref} protocol ${protocol} handle ${handle} u32`;

export const clsactKey = (device: string): string => `${device} clsact`;
export const rootKey = (device: string): string => `${device} root`;
export const classKey = (device: string, classid: string): string => `${device} class ${classid}`;
/** Of a queue by its kind, too: one kind is not changed into another, but removed and added. */
export const leafKey = (device: string, parent: string, kind: string): string => `${device} leaf ${parent} ${kind}`;

/** The tenant's slot, behind a prefix that is ours, in the cookie of a steering action. */
export const cookieOf = (slot: number): string => `face${slot.toString(16).padStart(8, '0')}`;

/** An object of ours as it stands once it was added: as the kernel would show it. */
export function standingOf({ layer, key, state, add }: DesiredObject): StandingObject {
  const [, target = null] = / redirect dev (\S+)/.exec(state) ?? [];
  return { layer, key, state, remove: removalOf(add), within: containerOf(layer, key), target };
}

/** A key begins with the device that the object is on; that of a queue goes on with its class. */
function containerOf(layer: Layer, key: string): string | null {
  const [device = '', , classid = ''] = key.split(' ');
  if (layer === 'device' || layer === 'clsact') return null;
  if (layer === 'root') return device;
  if (layer === 'leaf') return classKey(device, classid);
  return DEVICE_NAME.test(device) ? rootKey(device) : clsactKey(device);
}

/** The line that undoes one that adds. */
function removalOf(add: string): string {
  const words = add.split('\n', 1)[0] ?? '';
  const [, filter] = /^filter add (.*? u32)\b/.exec(words) ?? [];
  if (filter !== undefined) return `filter del ${filter}`;
  return words
    .replace(/^link add name (\S+).*/, 'link del dev $1')
    .replace(/^class add dev (\S+) .*(classid \S+).*/, 'class del dev $1 $2')
    .replace(/^qdisc (?:add|replace) dev (\S+) (parent \S+|root|clsact).*/, 'qdisc del dev $1 $2');
}
