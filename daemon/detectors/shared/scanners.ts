/**
 * Everybody who may be a scanner, by address. Bounded: whoever has failed once costs a line of a short list, and those against
 * whom most speaks stay longest.
 */
import { z } from 'zod';
import type { Milliseconds } from '../../../probes/probe.ts';
import { hashAddress, isSameAddress } from '../../metering/address.ts';
import { evictLeast } from './evictLeast.ts';
import { keepLatest } from './keepLatest.ts';
import type { DetectorContext, Json } from '../detector.ts';
import { type Attempt, type MemorySeed, mix } from './firstContacts.ts';
import { MEMORY_MS } from './reach.ts';
import { MAX_TENANTS, portKeyOf, savedName, type SavedScanner, savedScanner, Scanner } from './scanner.ts';
import { TenantNames } from './tenantNames.ts';

/** At a point of everybody, and at a tenant's own port. */
const MAX_SCANNERS = { everybody: 1024, tenant: 128 } as const;
/** Those that have failed once. */
const MAX_ONCE = { everybody: 8192, tenant: 1024 } as const;
/** Initiators and ports that were answered. */
const MAX_ANSWERED = 8192;
/** New ones that fail at one target, in a window: of a flood with forged sources no more are remembered. */
const NEW_AT_TARGET = 8;
/** More answers say no more. */
const ENOUGH_ANSWERS = 1000;
/** Of those that failed longest ago the one goes against whom the least speaks. */
const EVICTION_CANDIDATES = 8;
const MAX_SAVED = 64;

/** With tenants by their ids; whose the address is tells the directory. */
const storedScanners = z
  .array(
    savedScanner.extend({
      tenants: z.array(z.tuple([z.string(), z.number()])).max(MAX_TENANTS),
      named: savedName.extend({ tenant: z.string() }).nullable(),
    }),
  )
  .max(MAX_SAVED);
type StoredScanner = z.output<typeof storedScanners>[number];

export class Scanners {
  readonly #seed: MemorySeed;
  readonly #directory: DetectorContext['directory'];
  readonly #names: TenantNames;
  readonly #maxScanners: number;
  readonly #maxOnce: number;
  /** By hash of the address, the one that failed longest ago first. */
  readonly #scanners = new Map<number, Scanner>();
  readonly #once = new Map<number, Attempt>();
  /** By initiator, and by initiator and port: how often it was answered of late. */
  readonly #answered = new Map<number, number>();
  /** By target, in this window. */
  readonly #newAt = new Map<number, number>();

  constructor(context: DetectorContext, seed: MemorySeed) {
    const { portTenant, directory } = context;
    this.#directory = directory;
    this.#names = new TenantNames(context);
    const size = portTenant === 0 ? 'everybody' : 'tenant';
    this.#seed = seed;
    this.#maxScanners = MAX_SCANNERS[size];
    this.#maxOnce = MAX_ONCE[size];
  }

  /** Takes what has become of a window's contacts; gives those that have failed with one that goes with others. */
  observe(attempts: readonly Attempt[], nowMs: Milliseconds): ReadonlySet<Scanner> {
    this.#newAt.clear();
    const failed = new Set<Scanner>();
    for (const attempt of attempts) {
      const scanner = attempt.outcome === 'answered' ? this.#answer(attempt, nowMs) : this.#fail(attempt, nowMs);
      if (scanner !== null) failed.add(scanner);
    }
    return failed;
  }

  #answer(attempt: Attempt, nowMs: Milliseconds): null {
    const { initiatorHash } = attempt;
    this.#find(attempt)?.answer(attempt, nowMs);
    for (const key of [initiatorHash, mix(initiatorHash, portKeyOf(attempt))]) {
      const count = Math.min((this.#answered.get(key) ?? 0) + 1, ENOUGH_ANSWERS);
      keepLatest(this.#answered, key, count, MAX_ANSWERED);
    }
    return null;
  }

  #answersAt(attempt: Attempt): number {
    return this.#answered.get(mix(attempt.initiatorHash, portKeyOf(attempt))) ?? 0;
  }

  #fail(attempt: Attempt, nowMs: Milliseconds): Scanner | null {
    const { initiatorHash } = attempt;
    const known = this.#find(attempt);
    if (known !== null) {
      this.#scanners.delete(initiatorHash);
      this.#scanners.set(initiatorHash, known);
      return known.fail(attempt, this.#answersAt(attempt), nowMs) ? known : null;
    }
    const before = this.#once.get(initiatorHash);
    if (before === undefined || !isSameAddress(before.initiator, attempt.initiator)) return this.#remember(attempt);
    if (isSame(before, attempt)) return null;
    this.#once.delete(initiatorHash);
    const scanner = Scanner.begin(attempt, this.#answered.get(initiatorHash) ?? 0, nowMs);
    this.#insert(initiatorHash, scanner, nowMs);
    for (const each of [before, attempt]) scanner.fail(each, this.#answersAt(each), nowMs);
    return null; // two are not a scan
  }

  #remember(attempt: Attempt): null {
    const { initiatorHash, responderHash } = attempt;
    const count = (this.#newAt.get(responderHash) ?? 0) + 1;
    this.#newAt.set(responderHash, count);
    if (count > NEW_AT_TARGET) return null;
    keepLatest(this.#once, initiatorHash, attempt, this.#maxOnce);
    return null;
  }

  #find({ initiator, initiatorHash }: Attempt): Scanner | null {
    const scanner = this.#scanners.get(initiatorHash);
    return scanner !== undefined && isSameAddress(scanner.address, initiator) ? scanner : null;
  }

  #insert(hash: number, scanner: Scanner, nowMs: Milliseconds): void {
    this.#scanners.delete(hash);
    if (this.#scanners.size >= this.#maxScanners)
      evictLeast(this.#scanners, EVICTION_CANDIDATES, ({ strength, lastMs }) =>
        Math.abs(nowMs - lastMs) > MEMORY_MS ? -1 : strength,
      );
    this.#scanners.set(hash, scanner);
  }

  all(): Iterable<Scanner> {
    return this.#scanners.values();
  }

  save(): Json {
    return [...this.#scanners.values()]
      .toSorted((a, b) => b.strength - a.strength)
      .slice(0, MAX_SAVED)
      .map((scanner) => this.#stored(scanner.save()));
  }

  #stored({ tenants, named, ...others }: SavedScanner): StoredScanner {
    return {
      ...others,
      tenants: tenants.map(([number, count]) => [this.#names.idOf(number), count]),
      named: named === null ? null : { ...named, tenant: this.#names.idOf(named.tenant) },
    };
  }

  restore(state: Json): void {
    for (const { tenants, named, ...others } of storedScanners.safeParse(state).data ?? []) {
      const hash = hashAddress(this.#seed.value, ...others.address);
      const numbered = tenants.map(([id, count]): [number, number] => [this.#names.numberOf(id), count]);
      const namedTenant = this.#names.numberOf(named?.tenant ?? '');
      const scanner = new Scanner({
        ...others,
        tenant: this.#directory.lookup(...others.address),
        tenants: numbered.filter(([number]) => number !== 0),
        named: named === null || namedTenant === 0 ? null : { ...named, tenant: namedTenant },
      });
      this.#scanners.set(hash, scanner);
    }
  }
}

const isSame = (a: Attempt, b: Attempt): boolean =>
  a.responderHash === b.responderHash && portKeyOf(a) === portKeyOf(b);
