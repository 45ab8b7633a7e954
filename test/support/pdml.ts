/** tshark's reading of packets, as the tree that its PDML is: nothing of what it says is interpreted. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import type { TimedFrame } from './frames.ts';
import { pcapOf, withFolder, writeIn } from './pcapFile.ts';

/** A protocol or a field. */
export interface PdmlNode {
  readonly name: string;
  /** As it is shown, and its octets in hexadecimal. */
  readonly show: string;
  readonly value: string;
  readonly children: PdmlNode[];
}

/** The protocols of each packet. `options`: as `-d udp.port==2055,cflow`. */
export function readByTshark(frames: readonly TimedFrame[], ...options: readonly string[]): Promise<PdmlNode[]> {
  return withFolder((folder) => {
    const path = writeIn(folder, 'frames.pcap', pcapOf(frames));
    const command = ['-n', '-r', path, '-T', 'pdml', ...options];
    const { stdout, stderr, status } = spawnSync('tshark', command, { encoding: 'utf8', maxBuffer: 2 ** 28 });
    assert.equal(status, 0, stderr);
    return parsePdml(stdout);
  });
}

/** An element a line, as tshark writes it. */
function parsePdml(text: string): PdmlNode[] {
  const root: PdmlNode = { name: 'pdml', show: '', value: '', children: [] };
  const open = [root];
  for (const line of text.split('\n')) {
    const tag = /^\s*<(\/?)(packet|proto|field)\b(.*?)(\/?)>$/.exec(line);
    if (tag === null) continue;
    const [, closes, , attributes = '', closesItself] = tag;
    if (closes === '/') open.pop();
    else {
      const node = {
        name: of('name', attributes),
        show: of('show', attributes),
        value: of('value', attributes),
        children: [],
      };
      open.at(-1)?.children.push(node);
      if (closesItself !== '/') open.push(node);
    }
  }
  assert.equal(open.length, 1, 'every element is closed');
  return root.children;
}

/** Values that are looked at have no entities in them. */
const of = (attribute: string, attributes: string): string =>
  new RegExp(` ${attribute}="([^"]*)"`).exec(attributes)?.[1] ?? '';

/** The node and all below it, in the order of the text. */
export function* below(node: PdmlNode): Generator<PdmlNode> {
  yield node;
  for (const child of node.children) yield* below(child);
}
