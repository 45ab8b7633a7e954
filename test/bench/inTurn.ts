/** Does one thing after the other: what is measured must not run beside something else that is. */

/** The results of `act` for each item, of which the next is begun when the one before is done. */
export async function inTurn<Item, Result>(
  items: Iterable<Item>,
  act: (item: Item) => Promise<Result> | Result,
): Promise<Result[]> {
  const results: Result[] = [];
  for await (const result of begun(items, act)) results.push(result);
  return results;
}

async function* begun<Item, Result>(
  items: Iterable<Item>,
  act: (item: Item) => Promise<Result> | Result,
): AsyncGenerator<Result> {
  for (const item of items) yield act(item);
}
