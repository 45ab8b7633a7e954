/** What stands in the kernel: our objects there, what is in their way, and what they have counted. */
import type { ClassRow, FilterRow, LinkRow, QdiscRow, U32Options } from './rows.ts';
import { classState, leafState } from './shaping.ts';
import {
  ANCHOR,
  ANCHOR_RULE,
  classKey,
  CLSACT_MARK,
  clsactKey,
  DEVICE_ADDRESS,
  DEVICE_LISTS,
  DEVICE_NAME,
  filterAt,
  filterKey,
  HOOK_LISTS,
  type HookList,
  type Layer,
  leafKey,
  type Place,
  ROOT,
  rootKey,
  type StandingObject,
} from './tcObject.ts';
import { renderRule, type Rule } from './u32.ts';

/** All that was read. */
export interface Readings {
  readonly links: readonly LinkRow[];
  readonly qdiscs: readonly QdiscRow[];
  /** By device of ours. */
  readonly classes: ReadonlyMap<string, readonly ClassRow[]>;
  readonly filters: ReadonlyMap<string, readonly FilterRow[]>;
  /** By interface that has a clsact. */
  readonly hooks: ReadonlyMap<string, HookRows>;
}
export type HookRows = Readonly<Record<'egress' | 'ingress', readonly FilterRow[]>>;

export interface Counter {
  readonly packets: number;
  readonly bytes: number;
}

export interface QueueCounter extends Counter {
  readonly drops: number;
  readonly backlogBytes: number;
}

export interface KernelState {
  readonly objects: readonly StandingObject[];
  /** See `interfaceStates`. */
  readonly interfaces: ReadonlyMap<string, string>;
  /** By interface: why nothing can be steered there, or to it. */
  readonly blocked: ReadonlyMap<string, string>;
  /** By `leafCounterKey`: what passed the queue and what it dropped. */
  readonly leaves: ReadonlyMap<string, QueueCounter>;
  /** By `steeredKey`: what was steered. */
  readonly steered: ReadonlyMap<string, Counter>;
}

export const leafCounterKey = (device: string, classid: string): string => `${device} ${classid}`;
export const steeredKey = (name: string, device: string, cookie: string): string => `${name} ${device} ${cookie}`;

export function readKernel({ links, qdiscs, classes, filters, hooks }: Readings): KernelState {
  const devices = new Set(links.flatMap((link) => (isOurs(link) ? [link.ifname] : [])));
  const blocked = new Map<string, string>();
  for (const { ifname } of links.filter(isNamesake)) blocked.set(ifname, `${ifname} exists and is not Weir's`);
  for (const { kind, dev } of qdiscs) if (kind === 'ingress') blocked.set(dev, `${dev} has an ingress qdisc`);
  for (const [name, rows] of hooks) {
    const pref = takenPref(rows);
    if (pref !== null) blocked.set(name, `the filters of pref ${pref} on ${name} are somebody else's`);
  }
  const ourQdiscs = qdiscs.filter(({ dev }) => devices.has(dev));
  return {
    objects: [
      ...links.filter(({ ifname }) => devices.has(ifname)).map(deviceObject),
      ...ourQdiscs.flatMap(qdiscObjects),
      ...[...devices].flatMap((device) => (classes.get(device) ?? []).map((row) => classObject(device, row))),
      ...[...devices].flatMap((device) => deviceFilters(device, filters.get(device) ?? [])),
      ...[...hooks].flatMap(([name, rows]) => hookObjects(name, rows)),
    ],
    interfaces: interfaceStates(links),
    blocked,
    leaves: leafCounters(ourQdiscs),
    steered: steeredCounters(hooks),
  };
}

export const leafCounters = (qdiscs: readonly QdiscRow[]): Map<string, QueueCounter> =>
  new Map(qdiscs.map((row) => [leafCounterKey(row.dev, row.parent ?? ''), queueCounter(row)]));

/** By the name of each interface that there is: its number and whether it is up. One made anew has another number. */
const interfaceStates = (links: readonly LinkRow[]): Map<string, string> =>
  new Map(links.map(({ ifname, ifindex, flags }) => [ifname, `${ifindex} ${flags.includes('UP') ? 'up' : 'down'}`]));

const isNamed = ({ ifname }: LinkRow): boolean => DEVICE_NAME.test(ifname);
const isOurs = (link: LinkRow): boolean =>
  isNamed(link) && link.address === DEVICE_ADDRESS && link.linkinfo?.info_kind === 'ifb';
const isNamesake = (link: LinkRow): boolean => isNamed(link) && !isOurs(link);

const standing = (layer: Layer, key: string, state: string, remove: string, within: string | null): StandingObject => ({
  layer,
  key,
  state,
  remove,
  within,
  target: null,
});

function deviceObject({ ifname, ifalias = '', flags }: LinkRow): StandingObject {
  const state = `${ifalias} ${flags.includes('UP') ? 'up' : 'down'}`;
  return standing('device', ifname, state, `link del dev ${ifname}`, null);
}

/** The root and the leaves; the kernel's own default qdisc has the handle 0: and is no object. */
function qdiscObjects({ kind, handle, dev, root, parent = '', options }: QdiscRow): StandingObject[] {
  if (root !== true) {
    const remove = `qdisc del dev ${dev} parent ${parent}`;
    const state = leafState(handle, options?.limit ?? '');
    return [standing('leaf', leafKey(dev, parent, kind), state, remove, classKey(dev, parent))];
  }
  const state = handle === ROOT ? `${kind} default ${options?.default}` : `${kind} ${handle}`;
  return handle === '0:' ? [] : [standing('root', rootKey(dev), state, `qdisc del dev ${dev} root`, dev)];
}

function classObject(device: string, { classid, parent, rateKbit, ceilKbit }: ClassRow): StandingObject {
  const state = classState(parent ?? ROOT, rateKbit, ceilKbit);
  const layer = parent === null ? 'class' : 'leafClass';
  return standing(
    layer,
    classKey(device, classid),
    state,
    `class del dev ${device} classid ${classid}`,
    rootKey(device),
  );
}

const queueCounter = ({ packets, bytes, drops, backlog }: QdiscRow): QueueCounter => ({
  packets,
  bytes,
  drops,
  backlogBytes: backlog,
});

const DEVICE_LAYERS = { anchor: 'anchor', table: 'table', link: 'link', rule: 'rule' } as const;
const HOOK_LAYERS = { anchor: 'hookAnchor', table: 'hookTable', link: 'hookLink', rule: 'steering' } as const;

function deviceFilters(device: string, rows: readonly FilterRow[]): StandingObject[] {
  return DEVICE_LISTS.flatMap(({ pref, protocol }) => {
    const place: Place = { device, parent: `parent ${ROOT}`, pref, protocol };
    return listObjects(place, rows, DEVICE_LAYERS, rootKey(device));
  });
}

/** Our filters on an interface, and its clsact: ours to remove where we made it and nobody else uses it. */
function hookObjects(name: string, rows: HookRows): StandingObject[] {
  const lists = ourLists(rows);
  const isForeign = HOOKS.some((hook) => rows[hook].some(({ pref }) => !lists.some((list) => list.pref === pref)));
  const isMarked = rows.egress.some(({ options }) => isAnchor(options, CLSACT_MARK));
  const clsact = standing('clsact', clsactKey(name), 'present', `qdisc del dev ${name} clsact`, null);
  const within = isMarked && !isForeign ? clsact.key : null;
  return [
    within === null ? { ...clsact, remove: null } : clsact,
    ...lists.flatMap(({ hook, pref, protocol }) =>
      listObjects({ device: name, parent: hook, pref, protocol }, rows[hook], HOOK_LAYERS, within),
    ),
  ];
}

const HOOKS = ['egress', 'ingress'] as const;

const ourLists = (rows: HookRows): HookList[] =>
  HOOK_LISTS.filter(({ hook, pref }) =>
    rows[hook].some(
      (row) => row.pref === pref && (isAnchor(row.options, ANCHOR) || isAnchor(row.options, CLSACT_MARK)),
    ),
  );

/** The pref of a list of ours that holds somebody else's filters; null: none does. */
function takenPref(rows: HookRows): number | null {
  const lists = ourLists(rows);
  const taken = HOOK_LISTS.find(
    (list) => !lists.includes(list) && rows[list.hook].some(({ pref }) => pref === list.pref),
  );
  return taken?.pref ?? null;
}

const isAnchor = (options: U32Options | undefined, handle: string): boolean =>
  options?.fh !== undefined && handleOf(options.fh) === handle && renderRule(ruleOf(options)) === ANCHOR_RULE;

/** `801::2` → `::2`: tables from 800 up are roots, numbered by the kernel. */
const handleOf = (fh: string): string => (Number.parseInt(fh, 16) >= 0x800 ? fh.replace(/^\w+/, '') : fh);

function listObjects(
  place: Place,
  rows: readonly FilterRow[],
  layers: Readonly<Record<'anchor' | 'table' | 'link' | 'rule', Layer>>,
  within: string | null,
): StandingObject[] {
  return rows.flatMap(({ pref, options }) => {
    const handle = handleOf(options?.fh ?? ':');
    if (pref !== place.pref || options?.fh === undefined || handle === ':' || handle === CLSACT_MARK) return [];
    const key = filterKey(place, handle);
    const remove = `filter del ${filterAt(place, options.fh)}`;
    if (options.ht_divisor !== undefined)
      return [standing(layers.table, key, `divisor ${options.ht_divisor}`, remove, within)];
    const rule = ruleOf(options);
    if (handle === ANCHOR) {
      const { device, parent, protocol } = place;
      const removeList = `filter del dev ${device} ${parent} pref ${pref} protocol ${protocol}`;
      return [standing(layers.anchor, key, renderRule(rule), removeList, within)];
    }
    const passes = rule.flowid !== undefined && layers.rule === 'steering';
    const layer = rule.link !== undefined ? layers.link : passes ? 'pass' : layers.rule;
    return [{ ...standing(layer, key, renderRule(rule), remove, within), target: rule.redirect?.to ?? null }];
  });
}

const hexOf = (text: string): number => Number.parseInt(text, 16);

function ruleOf(options: U32Options): Rule {
  const { match0, match1, match2, match3, hash_mask: mask, hash_off: at = 0 } = options;
  const action = options.actions?.[0];
  return {
    words: [match0, match1, match2, match3].flatMap((match) =>
      match === undefined ? [] : [{ value: hexOf(match.value), mask: hexOf(match.mask), at: match.off }],
    ),
    indev: options.input_dev,
    link: options.link,
    hash: mask === undefined ? undefined : { mask: hexOf(mask), at },
    flowid: options.flowid,
    redirect: action === undefined ? undefined : { to: action.to_dev ?? '*', cookie: action.cookie ?? '' },
  };
}

function steeredCounters(hooks: ReadonlyMap<string, HookRows>): Map<string, Counter> {
  const counters = new Map<string, Counter>();
  for (const [name, rows] of hooks) {
    for (const action of HOOKS.flatMap((hook) => rows[hook]).flatMap(({ options }) => options?.actions ?? [])) {
      const key = steeredKey(name, action.to_dev ?? '', action.cookie ?? '');
      const { packets, bytes } = counters.get(key) ?? { packets: 0, bytes: 0 };
      counters.set(key, {
        packets: packets + action.stats.packets,
        bytes: bytes + action.stats.bytes,
      });
    }
  }
  return counters;
}
