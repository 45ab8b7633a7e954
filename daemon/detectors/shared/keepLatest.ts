/** By map: removes its first entry. */
const removers = new WeakMap<object, () => void>();

/**
 * Sets it as the latest of the map, which has its entries in the order in which they were last set; beyond `most` the first one goes.
 * To ask a Map for its first entry each time takes as long as it has removed ones before that since it last grew, thousands in a full map.
 */
export function keepLatest<Key, Value>(map: Map<Key, Value>, key: Key, value: Value, most: number): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= most) return;
  let remove = removers.get(map);
  if (remove === undefined) {
    remove = removerOf(map);
    removers.set(map, remove);
  }
  remove();
}

/** What an iterator has given is removed at once, and what is set anew goes behind it: so it stays before the first entry. */
function removerOf(map: Map<unknown, unknown>): () => void {
  let keys = map.keys();
  return () => {
    let next = keys.next();
    if (next.done === true) {
      keys = map.keys();
      next = keys.next();
    }
    map.delete(next.value);
  };
}
