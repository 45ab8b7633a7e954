/** What tshark says of captures: of all of them in one process, for its start takes half a second. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { withFolder } from './pcapFile.ts';

/** The fields of a packet, by their names; empty where it has none of that name. */
export type Dissection = ReadonlyMap<string, string>;

/** Each packet by itself, however it is fragmented. */
const SINGLE_PACKETS = ['ip.defragment', 'ipv6.defragment', 'tcp.desegment_tcp_streams'].flatMap((preference) => [
  '-o',
  `${preference}:FALSE`,
]);
const MOST_OUTPUT = 2 ** 28;

/** The first value of each field in each packet of each capture. All must be readable to their end. */
export async function dissect(
  paths: readonly string[],
  fields: readonly string[],
): Promise<ReadonlyMap<string, readonly Dissection[]>> {
  const packets = await withFolder((folder) => {
    const merged = join(folder, 'merged.pcapng');
    run('mergecap', '-a', '-I', 'none', '-F', 'pcapng', '-w', merged, ...paths);
    return dissectOne(merged, fields);
  });
  const counts = countPackets(paths);
  assert.equal(
    counts.reduce((sum, count) => sum + count, 0),
    packets.length,
  );
  let at = 0;
  return new Map(paths.map((path, i) => [path, packets.slice(at, (at += counts[i] ?? 0))]));
}

/** The same of one capture, which may break off. */
export function dissectOne(path: string, fields: readonly string[]): Dissection[] {
  const options = ['-n', ...SINGLE_PACKETS, '-T', 'fields', '-E', 'occurrence=f'];
  const words = ['-r', path, ...options, ...fields.flatMap((field) => ['-e', field])];
  const { stdout } = spawnSync('tshark', words, { encoding: 'utf8', maxBuffer: MOST_OUTPUT });
  const lines = stdout.split('\n').slice(0, -1);
  return lines.map((line) => {
    const values = line.split('\t');
    return new Map(fields.map((field, i) => [field, values[i] ?? '']));
  });
}

function countPackets(paths: readonly string[]): number[] {
  return run('capinfos', '-T', '-r', '-M', '-c', ...paths)
    .trim()
    .split('\n')
    .map((line) => Number(line.split('\t')[1]));
}

/** What it prints. */
function run(command: string, ...words: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, words, { encoding: 'utf8' });
  assert.equal(status, 0, `${command}: ${stderr}`);
  return stdout;
}
