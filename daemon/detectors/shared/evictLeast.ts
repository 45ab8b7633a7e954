/** Of the first `candidates` of the map the one that is worth least goes. */
export function evictLeast<Key, Value>(
  map: Map<Key, Value>,
  candidates: number,
  worthOf: (value: Value) => number,
): void {
  let least: { readonly key: Key; readonly worth: number } | null = null;
  let seen = 0;
  for (const [key, value] of map) {
    const worth = worthOf(value);
    if (least === null || worth < least.worth) least = { key, worth };
    seen += 1;
    if (seen >= candidates) break;
  }
  if (least !== null) map.delete(least.key);
}
