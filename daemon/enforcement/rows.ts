/** The rows that `ip` and `tc` of iproute2 6.1 show, as far as they are read here. */
import { z } from 'zod';

const linkRow = z.object({
  ifindex: z.number(),
  ifname: z.string(),
  flags: z.array(z.string()),
  address: z.string().optional(),
  ifalias: z.string().optional(),
  linkinfo: z.object({ info_kind: z.string().optional() }).optional(),
});
/** Of `ip -j -d link show`. */
export type LinkRow = z.infer<typeof linkRow>;

const qdiscRow = z.object({
  kind: z.string(),
  handle: z.string(),
  dev: z.string(),
  root: z.boolean().optional(),
  parent: z.string().optional(),
  options: z.object({ default: z.string().optional(), limit: z.number().optional() }).optional().catch(undefined),
  packets: z.number(),
  bytes: z.number(),
  drops: z.number(),
  backlog: z.number(),
});
/** Of `tc -j -s qdisc show`. */
export type QdiscRow = z.infer<typeof qdiscRow>;

const actionRow = z.object({
  to_dev: z.string().optional(),
  cookie: z.string().optional(),
  stats: z.object({ packets: z.number(), bytes: z.number() }),
});

const matchRow = z.object({ value: z.string(), mask: z.string(), off: z.number() }).optional();

const u32Options = z.object({
  fh: z.string(),
  ht_divisor: z.number().optional(),
  input_dev: z.string().optional(),
  flowid: z.string().optional(),
  link: z.string().optional(),
  hash_mask: z.string().optional(),
  hash_off: z.number().optional(),
  actions: z.array(actionRow).optional(),
  // What tc calls `match`, four times: no rule of ours has more.
  match0: matchRow,
  match1: matchRow,
  match2: matchRow,
  match3: matchRow,
});
export type U32Options = z.infer<typeof u32Options>;

const filterRow = z.object({
  pref: z.number(),
  // A list's first row has none; nor does one of another classifier, here.
  options: u32Options.optional().catch(undefined),
});
/** Of `tc -j -s filter show`. */
export type FilterRow = z.infer<typeof filterRow>;

/** Of `tc class show`, which has no JSON before 6.2. */
export interface ClassRow {
  readonly classid: string;
  readonly parent: string | null;
  readonly rateKbit: number;
  readonly ceilKbit: number;
}

/** What tc shows of no rows at all. */
const orNone = (json: string): string => (json === '' ? '[]' : json);

export const parseLinks = (json: string): LinkRow[] => z.array(linkRow).parse(JSON.parse(orNone(json)));

/** Of `tc -j -s qdisc show dev …`. */
export const parseDeviceQdiscs = (json: string): Omit<QdiscRow, 'dev'>[] =>
  z.array(qdiscRow.omit({ dev: true })).parse(JSON.parse(orNone(json)));

export const parseQdiscs = (json: string): QdiscRow[] => z.array(qdiscRow).parse(JSON.parse(orNone(json)));

/** A u32 filter of several words is shown as an object with as many keys `match`, of which JSON.parse would keep the last. */
export function parseFilters(json: string): FilterRow[] {
  let count = 0;
  const numbered = json.replaceAll(/"(fh|match)":/g, (_, key: string) => {
    count = key === 'fh' ? -1 : count + 1;
    return key === 'fh' ? '"fh":' : `"match${count}":`;
  });
  return z.array(filterRow).parse(JSON.parse(orNone(numbered)));
}

const KBIT: Readonly<Record<string, number>> = { '': 1e-3, K: 1, M: 1e3, G: 1e6, T: 1e9 };

const kbitOf = (amount = '', unit = ''): number => Number(amount) * (KBIT[unit] ?? Number.NaN);

/** The lines of HTB classes; others, such as fq_codel's flows, are passed over. */
export function parseClasses(text: string): ClassRow[] {
  const line = /^class htb (\S+) (?:root|parent (\S+)) .*?rate ([\d.]+)([KMGT]?)bit ceil ([\d.]+)([KMGT]?)bit/gm;
  return [...text.matchAll(line)].map(([, classid = '', parent, rate, rateUnit, ceil, ceilUnit]) => ({
    classid,
    parent: parent ?? null,
    rateKbit: kbitOf(rate, rateUnit),
    ceilKbit: kbitOf(ceil, ceilUnit),
  }));
}
