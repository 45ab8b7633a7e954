/** A configuration file's text as YAML: its value, and where in it a problem stands. */
import { type Document, isAlias, LineCounter, type Node, parseDocument, visit } from 'yaml';
import { ConfigError, type Problem } from './configError.ts';
import { type Key, locate, type Part } from './locate.ts';

const MAX_BYTES = 4 * 2 ** 20;
/** The uses of an anchor, times those inside of it: every tenant may share one plan, and no file unfolds without end. */
const MAX_ALIASES = 100_000;

/** In our words where yaml's are not an operator's. */
const SYNTAX: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: 'this key is written twice',
  MULTIPLE_DOCS: 'a second document starts here: a configuration is one',
  RESOURCE_EXHAUSTION: 'is nested too deep',
};

export interface Source {
  readonly value: unknown;
  /** What is wrong with the value at a path of keys, or with its last key. */
  problem(keys: readonly Key[], part: Part, why: string): Problem;
}

/** Throws ConfigError on what is no YAML, is ambiguous or too large. `file` names the text. */
export function parseSource(file: string, text: string): Source {
  checkSize(file, Buffer.byteLength(text));
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
  const at = (offset: number, path: string, why: string): Problem => {
    const { line, col } = lines.linePos(offset);
    return { position: { line, column: col }, path, why };
  };
  const misread = syntaxErrors(document).map(({ offset, why }) => at(offset, '', why));
  if (misread.length > 0) throw new ConfigError(file, misread);
  return {
    value: unfold(file, document),
    problem(keys, part, why) {
      const { offset, path } = locate(document, keys, part);
      return at(offset, path, why);
    },
  };
}

export function checkSize(file: string, bytes: number): void {
  if (bytes > MAX_BYTES) refuse(file, 'must be at most 4 MiB');
}

export function refuse(file: string, why: string): never {
  throw new ConfigError(file, [{ position: null, path: '', why }]);
}

function syntaxErrors(document: Document.Parsed): { offset: number; why: string }[] {
  const found = [...document.errors, ...document.warnings];
  // Where nesting ends the parser, each level around it is an error too.
  const deepest = found.find(({ code }) => code === 'RESOURCE_EXHAUSTION');
  const errors = (deepest === undefined ? found : [deepest]).map(({ code, message, pos }) => ({
    offset: pos[0],
    why: SYNTAX[code] ?? `no YAML: ${message}`,
  }));
  const alias = errors.length === 0 ? unknownAlias(document) : null;
  if (alias === null) return errors;
  return [{ offset: alias.range?.[0] ?? 0, why: 'no YAML: a word that starts with * needs quotes' }];
}

/** The first alias without an anchor before it. */
function unknownAlias(document: Document): Node | null {
  const anchors = new Set<string>();
  let unknown: Node | null = null;
  visit(document, {
    Node(_key, node) {
      if (!isAlias(node)) anchors.add(node.anchor ?? '');
      else if (!anchors.has(node.source)) unknown = node;
      return unknown === null ? undefined : visit.BREAK;
    },
  });
  return unknown;
}

function unfold(file: string, document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    if (error instanceof ReferenceError) refuse(file, 'its aliases unfold to too much');
    throw error;
  }
}
