/**
 * What two keys of the configuration must have in common. The checks also run over values of which a part is wrong and
 * reported already, so they take nothing for granted.
 */
import type { z } from 'zod';
import { didYouMean } from './explain.ts';
import { formatRate, formatSize } from './units.ts';
import { WORKLOAD_KINDS } from './workload.ts';

/** The kernel does not swap it. */
const MAX_RING_BYTES = 2 ** 30;

type Written = Readonly<Record<string, unknown>>;
type Path = readonly (string | number)[];
type Context = z.core.$RefinementCtx;

function problem(context: Context, path: Path, message: string): void {
  context.addIssue({ code: 'custom', path: [...path], message });
}

/** A mapping, as far as it is known. */
export const isWritten = (value: unknown): value is Written => typeof value === 'object' && value !== null;
const entries = (list: unknown): Written[] =>
  Array.isArray(list) ? list.map((entry: unknown) => (isWritten(entry) ? entry : {})) : [];
const texts = (list: unknown): unknown[] => (Array.isArray(list) ? list : []);

export function checkPlan({ port, limit, threshold }: Written, context: Context): void {
  if (typeof port !== 'number') return;
  const ofPort = (relation: string, bps: number): string =>
    `must be ${relation} port (${formatRate(port)}), got ${formatRate(bps)}`;
  if (typeof limit === 'number' && limit >= port) problem(context, ['limit'], ofPort('below', limit));
  const rate = isWritten(threshold) ? (threshold['rateBps'] ?? threshold['rate']) : null;
  if (typeof rate === 'number' && rate > port) problem(context, ['threshold', 'rate'], ofPort('at most', rate));
}

export function checkThreshold({ rate, packets }: Written, context: Context): void {
  if (rate === undefined && packets === undefined) problem(context, [], 'must have a rate, packets, or both');
}

export function checkRing({ blockSize, blocks }: Written, context: Context): void {
  const bytes = Number(blockSize) * Number(blocks);
  const limit = formatSize(MAX_RING_BYTES);
  if (bytes > MAX_RING_BYTES)
    problem(context, [], `blockSize × blocks must be at most ${limit}, got ${formatSize(bytes)}`);
}

/** libpcap's name for all of a host's interfaces at once. */
const ANY_INTERFACE = 'any';

export function checkInterface(written: Written, context: Context): void {
  const { name, faces, tenant, capture } = written;
  if (faces === 'tenant' && tenant === undefined) problem(context, ['tenant'], 'is missing: whose port is it?');
  if (faces === 'internet' && typeof tenant === 'string') problem(context, ['tenant'], 'is for `faces: tenant` only');
  if (name === ANY_INTERFACE && capture === 'ring') problem(context, ['name'], 'any is for `capture: cap` only');
  if (name === ANY_INTERFACE && faces === 'tenant') problem(context, ['name'], "any is no tenant's port");
  const others = capture === 'cap' ? ['ring'] : capture === 'ring' ? ['filter', 'buffer'] : [];
  for (const key of others.filter((each) => written[each] !== undefined)) {
    problem(context, [key], `is for \`capture: ${capture === 'cap' ? 'ring' : 'cap'}\` only`);
  }
  if (capture === 'cap' && written['promiscuous'] === false) {
    problem(context, ['promiscuous'], 'must be true with `capture: cap`, which always asks for every frame');
  }
}

export function checkCollector({ listen, tcp, exporters }: Written, context: Context): void {
  if (Array.isArray(listen) && Array.isArray(tcp) && listen.length + tcp.length === 0)
    problem(context, ['listen'], 'must have at least 1 entry where tcp has none');
  for (const [key, list] of Object.entries({ listen, tcp })) {
    const seen = new Set<string>();
    entries(list).forEach(({ host, port }, i) => {
      const address = `${String(host)} port ${String(port)}`;
      if (host !== undefined && seen.has(address)) problem(context, [key, i], 'is listed twice');
      seen.add(address);
    });
  }
  checkUnique(entries(exporters), 'exporters', 'prefix', context, []);
}

export function checkAll({ interfaces, tenants, detectors, enforcement }: Written, context: Context): void {
  checkUnique(entries(interfaces), 'interfaces', 'name', context);
  checkUnique(entries(tenants), 'tenants', 'id', context);
  checkPrefixes(entries(tenants), context);
  checkWorkloads(entries(tenants), context);
  const ids = entries(tenants)
    .map(({ id }) => id)
    .filter((id) => typeof id === 'string');
  const known = new Set(ids);
  checkAny(entries(interfaces), enforcement, context);
  const checkTenant = (id: unknown, path: Path): void => {
    if (typeof id !== 'string' || known.has(id)) return;
    problem(context, path, `no tenant has the id ${id}${didYouMean(id, ids)}`);
  };
  entries(interfaces).forEach(({ tenant }, i) => checkTenant(tenant, ['interfaces', i, 'tenant']));
  for (const [id, written] of Object.entries(isWritten(detectors) ? detectors : {})) {
    texts(isWritten(written) ? written['allow'] : []).forEach((entry, i) => {
      if (typeof entry === 'string' && !entry.includes('/')) checkTenant(entry, ['detectors', id, 'allow', i]);
    });
  }
  const exempt = isWritten(enforcement) && isWritten(enforcement['exempt']) ? enforcement['exempt']['tenants'] : [];
  texts(exempt).forEach((id, i) => checkTenant(id, ['enforcement', 'exempt', 'tenants', i]));
}

/** A packet that the host forwards passes two interfaces, and tc needs one to limit at. */
function checkAny(interfaces: readonly Written[], enforcement: unknown, context: Context): void {
  const any = interfaces.findIndex(({ name }) => name === ANY_INTERFACE);
  if (any < 0) return;
  const path = ['interfaces', any, 'name'];
  if (interfaces.length > 1) problem(context, path, 'any must be the only interface, else packets are counted twice');
  if (isWritten(enforcement) && enforcement['mode'] === 'enforce')
    problem(context, path, 'any cannot be limited: name the interface, or set enforcement.mode to observe');
}

function checkUnique(list: readonly Written[], section: string, key: string, context: Context, at: Path = [key]): void {
  const seen = new Set<unknown>();
  list.forEach((entry, i) => {
    const name = entry[key];
    if (typeof name === 'string' && seen.has(name)) problem(context, [section, i, ...at], `${name} is listed twice`);
    seen.add(name);
  });
}

/** What one tenant does would be laid to another's charge. */
function checkWorkloads(tenants: readonly Written[], context: Context): void {
  const owners = new Map<string, unknown>();
  tenants.forEach(({ id, workload }, i) => {
    const name = isWritten(workload) ? nameOf(workload) : null;
    if (name === null) return;
    if (owners.has(name))
      problem(context, ['tenants', i, 'workload'], `${name} is that of tenants.${String(owners.get(name))} already`);
    else owners.set(name, id);
  });
}

function nameOf(workload: Written): string | null {
  const kind = WORKLOAD_KINDS.find((each) => typeof workload[each] === 'string');
  return kind === undefined ? null : `${kind} ${String(workload[kind])}`;
}

/** Prefixes may lie inside one another, the longest counts; equal ones leave no tenant to choose. */
function checkPrefixes(tenants: readonly Written[], context: Context): void {
  const owners = new Map<unknown, number>();
  tenants.forEach(({ addresses }, tenant) => {
    texts(addresses).forEach((prefix, i) => {
      const owner = typeof prefix === 'string' ? owners.get(prefix) : undefined;
      owners.set(prefix, owner ?? tenant);
      if (owner === undefined) return;
      const why = owner === tenant ? 'is listed twice' : `belongs to tenants.${String(tenants[owner]?.['id'])} already`;
      problem(context, ['tenants', tenant, 'addresses', i], `${String(prefix)} ${why}`);
    });
  });
}
