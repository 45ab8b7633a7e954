/** The link types of `cap`, by the names that it gives them. */
import {
  LINKTYPE_ETHERNET,
  LINKTYPE_IPV4,
  LINKTYPE_IPV6,
  LINKTYPE_LINUX_SLL,
  LINKTYPE_LINUX_SLL2,
  LINKTYPE_LOOP,
  LINKTYPE_NULL,
  LINKTYPE_RAW,
} from '../probe.ts';

const NAMES = new Map([
  ['ETHERNET', LINKTYPE_ETHERNET],
  ['RAW', LINKTYPE_RAW],
  ['NULL', LINKTYPE_NULL],
  ['LINKTYPE_LINUX_SLL', LINKTYPE_LINUX_SLL],
]);
/** It has no name for these; their DLT_* numbers are the same on Linux. */
const NAMELESS = [LINKTYPE_LOOP, LINKTYPE_IPV4, LINKTYPE_IPV6, LINKTYPE_LINUX_SLL2];

/** What `open` returned, as a LINKTYPE_*. */
export function linkTypeOf(name: string): number {
  const [, digits] = /^Unknown linktype (\d+)$/.exec(name) ?? [];
  const number = NAMELESS.find((each) => each === Number(digits));
  const linkType = NAMES.get(name) ?? number;
  if (linkType === undefined) throw new Error(`its link type is not supported (${name})`);
  return linkType;
}
