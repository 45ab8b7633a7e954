/** Whether a target is sent the answers of services that it has not asked: the mark of an amplification. */
import { FRAGMENT, UDP } from '../../metering/decodeResult.ts';
import { SOURCE_UDP } from '../../metering/window.ts';
import { RESPONSE } from '../../metering/pairTable.ts';
import { AMPLIFIERS } from '../../metering/amplifiers.ts';
import { received, sent, type Target } from './target.ts';

/** Of the datagrams whose ports are known. */
const REFLECTED_SHARE = 0.5;
/** Who asks so many times as much as it is answered has asked. */
const ASKED_RATIO = 1 / 10;
export const FEW_REFLECTORS = 10;
/** One reflector alone sends large answers; a peer that speaks from such a port, small ones. */
const LARGE_BYTES = 400;

/** The service (by AMPLIFIERS) whose answers are most of what the target receives over UDP; null: there is none, or it asks. */
export function reflectedService(target: Target): string | null {
  const [first] = target.topSourcePorts;
  const service = first === undefined ? undefined : AMPLIFIERS.get(first.port);
  if (first === undefined || service === undefined) return null;
  const all = target.topSourcePorts.reduce((sum, { share }) => sum + share, 0);
  const isMost = first.share >= all * REFLECTED_SHARE;
  return isMost && sent(target, SOURCE_UDP) < datagrams(target) * ASKED_RATIO ? service : null;
}

export function isReflected(target: Target): boolean {
  if (reflectedService(target) === null || !isUnasked(target)) return false;
  const { window, line, distinctSources } = target;
  return distinctSources >= FEW_REFLECTORS || window.targets.bytes(line) >= window.targets.packets(line) * LARGE_BYTES;
}

/** Whether one of the answers is known not to have been asked for. */
function isUnasked({ window, words, topSourcePorts: [first] }: Target): boolean {
  return window.pairs.linesTo(words).some(({ sighting, port }) => sighting === RESPONSE && port === first?.port);
}

/** With the fragments of large answers, which have no ports. */
export const datagrams = (target: Target): number => received(target, UDP) + received(target, FRAGMENT);
