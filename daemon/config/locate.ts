/** Where a key of a YAML document stands, and how its path reads: an entry of a list by its id or name, if it has one. */
import { type Document, isAlias, isMap, isNode, isScalar, isSeq, type Node } from 'yaml';

export interface Place {
  /** In characters from the start of the text. */
  readonly offset: number;
  /** `tenants.acme.addresses[0]`. */
  readonly path: string;
}

export type Key = string | number;
export type Part = 'key' | 'value';

type Entry = Readonly<Record<Part, Node | null>>;

const NOTHING: Entry = { key: null, value: null };

/** The place of what stands at `keys` (or of its key itself); of the nearest thing around it where it is missing. */
export function locate(document: Document, keys: readonly Key[], part: Part): Place {
  let node: Node | null = document.contents;
  let offset = node?.range?.[0] ?? 0;
  let path = '';
  for (const [i, key] of keys.entries()) {
    const entry = entryOf(follow(document, node), key);
    node = entry.value;
    path += typeof key === 'number' ? nameOf(follow(document, node), key) : `.${key}`;
    offset = entry[i === keys.length - 1 ? part : 'value']?.range?.[0] ?? offset;
  }
  return { offset, path: path.replace(/^\./, '') };
}

const follow = (document: Document, node: Node | null): Node | null =>
  isAlias(node) ? (node.resolve(document) ?? null) : node;

function entryOf(node: Node | null, key: Key): Entry {
  if (isSeq(node)) return { key: null, value: nodeOrNull(node.items[Number(key)]) };
  if (!isMap(node)) return NOTHING;
  const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key));
  return pair === undefined ? NOTHING : { key: nodeOrNull(pair.key), value: nodeOrNull(pair.value) };
}

const nodeOrNull = (value: unknown): Node | null => (isNode(value) ? value : null);

function nameOf(entry: Node | null, index: number): string {
  const name = isMap(entry) ? (entry.get('id') ?? entry.get('name')) : undefined;
  return typeof name === 'string' && /^[\w.-]{1,63}$/.test(name) ? `.${name}` : `[${index}]`;
}
