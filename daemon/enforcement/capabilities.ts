/** What the kernel can do, tried out on a scratch device: versions and configurations do not tell. */
import type { FilterRow, QdiscRow } from './rows.ts';

export interface Capabilities {
  /** fq_codel keeps a flood that looks like voice away from real calls; without it the queues are plain FIFOs. */
  readonly fqCodel: boolean;
  /** What limits cannot do without and the kernel has not. */
  readonly missing: readonly string[];
}

/** What brings fq_codel. */
export const FQ_CODEL_PACKAGE =
  'linux-image-amd64 (Debian), linux-modules-extra-$(uname -r) (Ubuntu), kernel-modules-core (RHEL)';

/** What brings what is missing. Debian's kernels have it all; the cloud images of others leave it out. */
export const MISSING_PACKAGE =
  'linux-image-amd64 in place of a cloud or custom kernel (Debian), linux-modules-extra-$(uname -r) (Ubuntu) or kernel-modules-extra (RHEL)';

export const SCRATCH_DEVICE = /^weir-p\d+$/;
export const scratchDevice = (pid: number): string => `weir-p${pid}`;

/** Everything that a plan has, once; each line may fail. */
export const probeLines = (device: string): string[] => [
  `qdisc add dev ${device} root handle 1: htb`,
  `class add dev ${device} parent 1: classid 1:1 htb rate 8kbit`,
  `class add dev ${device} parent 1: classid 1:2 htb rate 8kbit`,
  `qdisc add dev ${device} parent 1:1 handle 11: fq_codel`,
  `qdisc add dev ${device} parent 1:2 handle 12: bfifo limit 128kb`,
  `qdisc add dev ${device} clsact`,
  `filter add dev ${device} egress pref 1 protocol ip u32 match u32 0 0`,
  `filter add dev ${device} egress pref 2 protocol ip u32 match u32 0 0 action mirred egress redirect dev ${device}`,
];

/** What of the lines stands; no device at all is no rows. */
export function capabilitiesOf(qdiscs: readonly QdiscRow[], filters: readonly FilterRow[]): Capabilities {
  const has = (kind: string): boolean => qdiscs.some((row) => row.kind === kind);
  const needed: Readonly<Record<string, boolean>> = {
    ifb: qdiscs.length > 0,
    sch_htb: has('htb'),
    sch_ingress: has('clsact'),
    cls_u32: filters.length > 0,
    act_mirred: filters.some(({ options }) => options?.actions !== undefined),
  };
  return { fqCodel: has('fq_codel'), missing: Object.keys(needed).filter((name) => needed[name] === false) };
}
