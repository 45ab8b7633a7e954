/** Ids of the tenants for what is saved: another configuration numbers them anew. */
import type { DetectorContext } from '../detector.ts';

export class TenantNames {
  readonly #tenants: DetectorContext['tenants'];
  readonly #numbers: ReadonlyMap<string, number>;

  constructor({ tenants }: DetectorContext) {
    this.#tenants = tenants;
    this.#numbers = new Map(tenants.map(({ id }, i) => [id, i + 1]));
  }

  /** Empty: nobody's. */
  idOf(number: number): string {
    return this.#tenants[number - 1]?.id ?? '';
  }

  /** 0: nobody's, or there is no such tenant any more. */
  numberOf(id: string): number {
    return this.#numbers.get(id) ?? 0;
  }
}
