/** Lists of the API, which it gives in pages. */
import type { PastPage } from '../status/answers.ts';

/** The API gives no more at once. */
const PAGE_ITEMS = 500;

/** What one page is read from; of those of the past it may be missing. */
interface AskedPage<Item> {
  readonly items: readonly Item[];
  readonly next: string | null;
  readonly missing?: string | null;
}

/** All items, page by page, at most `most`; null: `ask` gave none. `query` has whatever is asked for but `limit` and `cursor`. */
export async function allPages<Item>(
  ask: (query: string) => Promise<AskedPage<Item> | null>,
  query: Readonly<Record<string, string>> = {},
  most = Infinity,
): Promise<PastPage<Item> | null> {
  const items: Item[] = [];
  let cursor: Readonly<Record<string, string>> = {};
  for (;;) {
    const limit = String(Math.min(PAGE_ITEMS, most - items.length));
    const asked = new URLSearchParams({ ...query, limit, ...cursor }).toString();
    // oxlint-disable-next-line no-await-in-loop -- each page says where the next one begins
    const page = await ask(asked);
    if (page === null) return null;
    items.push(...page.items);
    if (page.next === null || items.length >= most) return { items, next: page.next, missing: page.missing ?? null };
    cursor = { cursor: page.next };
  }
}
