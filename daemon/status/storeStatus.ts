/** What is shown of the store. */
import type { StoreState } from '../store/store.ts';

export type StoreStatus = Omit<StoreState, 'lastWrittenMs'> & { readonly lastWrittenAt: string | null };

export function storeStatus({ lastWrittenMs, ...state }: StoreState): StoreStatus {
  return { ...state, lastWrittenAt: lastWrittenMs === null ? null : new Date(lastWrittenMs).toISOString() };
}
