/** The ifb devices and, for each limited tenant, its HTB classes with a queue for voice and one for the rest (tc-htb(8)). */
import type { Capabilities } from './capabilities.ts';
import {
  ALIAS,
  BULK,
  classidOf,
  classKey,
  DEVICE_ADDRESS,
  DEVICE_STATE,
  devicesOf,
  type DesiredObject,
  INNER,
  leafKey,
  minorOf,
  ROOT,
  ROOT_STATE,
  rootKey,
  shardOf,
  VOICE,
} from './tcObject.ts';

/** Two full frames; above, 4 ms of the rate. */
const MIN_BURST = 3200;
const BURST_SECONDS = 0.004;
/** One full frame of Ethernet. */
const QUANTUM = 1514;
/**
 * Voice is the leaf with the large rate: HTB serves a leaf within its own rate first, so that bulk's debt never holds it
 * back, and either may borrow what the other leaves. 90/10 measured best.
 */
const VOICE_SHARE = 0.9;
const MIN_BULK_KBIT = 8;

const MIN_FIFO_BYTES = 128 * 1024;
const FIFO_SECONDS = 0.05;

const setUp = (device: string): string => `link set dev ${device} alias ${ALIAS} up`;

/** The pair of devices of a shard. */
export function deviceObjects(shard: number): DesiredObject[] {
  return devicesOf(shard).flatMap(({ name }): DesiredObject[] => [
    {
      layer: 'device',
      key: name,
      state: DEVICE_STATE,
      // An ifb's own queue has room for 32 packets.
      add: `link add name ${name} address ${DEVICE_ADDRESS} txqueuelen 1000 type ifb\n${setUp(name)}`,
      change: setUp(name),
    },
    {
      layer: 'root',
      key: rootKey(name),
      state: ROOT_STATE,
      add: `qdisc add dev ${name} root handle ${ROOT} htb default 0 direct_qlen 1000`,
      change: null,
    },
  ]);
}

/** The classes and queues of one tenant, in both directions. */
export function tenantObjects(slot: number, rateBps: number, capabilities: Capabilities): DesiredObject[] {
  const kbit = shownKbit(rateBps / 1000);
  const voiceKbit = shownKbit(kbit * VOICE_SHARE);
  const bulkKbit = Math.max(shownKbit(kbit - voiceKbit), MIN_BULK_KBIT);
  const voice = capabilities.fqCodel ? 'fq_codel limit 300 memory_limit 256kb flows 256' : 'pfifo limit 100';
  const bulk = capabilities.fqCodel ? 'fq_codel limit 1000 memory_limit 1mb flows 1024' : `bfifo limit ${fifo(kbit)}`;
  return devicesOf(shardOf(slot)).flatMap(({ name }) => [
    htbClass(name, slot, INNER, '', kbit, kbit, burst(kbit)),
    htbClass(name, slot, VOICE, 'prio 0 ', voiceKbit, kbit, MIN_BURST),
    htbClass(name, slot, BULK, 'prio 1 ', bulkKbit, kbit, MIN_BURST),
    leaf(name, slot, VOICE, voice),
    leaf(name, slot, BULK, bulk),
  ]);
}

/** Rounded down to what tc shows of it without loss: whole kbit, whole Mbit from 1 Gbit up. */
function shownKbit(kbit: number): number {
  const step = kbit < 1e6 ? 1 : 1000;
  return Math.floor(kbit / step) * step;
}

const burst = (kbit: number): number => Math.max(MIN_BURST, Math.floor(kbit * 125 * BURST_SECONDS));
const fifo = (kbit: number): number => Math.max(MIN_FIFO_BYTES, Math.floor(kbit * 125 * FIFO_SECONDS));

function htbClass(
  device: string,
  slot: number,
  part: number,
  prio: string,
  rateKbit: number,
  ceilKbit: number,
  bytes: number,
): DesiredObject {
  const classid = classidOf(slot, part);
  const parent = part === INNER ? ROOT : classidOf(slot, INNER);
  const words =
    `dev ${device} parent ${parent} classid ${classid} htb ${prio}rate ${rateKbit}kbit ceil ${ceilKbit}kbit ` +
    `burst ${bytes} cburst ${bytes} quantum ${QUANTUM}`;
  return {
    layer: part === INNER ? 'class' : 'leafClass',
    key: classKey(device, classid),
    state: classState(parent, rateKbit, ceilKbit),
    add: `class add ${words}`,
    change: `class change ${words}`,
  };
}

export const classState = (parent: string, rateKbit: number, ceilKbit: number): string =>
  `parent ${parent} rate ${rateKbit}kbit ceil ${ceilKbit}kbit`;

function leaf(device: string, slot: number, part: number, queue: string): DesiredObject {
  const [kind = '', , limit = ''] = queue.split(' ');
  const handle = `${minorOf(slot, part)}:`;
  const replace = `qdisc replace dev ${device} parent ${classidOf(slot, part)} handle ${handle} ${queue}`;
  return {
    layer: 'leaf',
    key: leafKey(device, classidOf(slot, part), kind),
    state: leafState(handle, limit),
    add: replace,
    change: replace,
  };
}

export const leafState = (handle: string, limit: string | number): string => `handle ${handle} limit ${limit}`;
