/** The one place that runs `tc` and `ip` of iproute2: batches by stdin, no shell, each run within a time limit. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Capabilities, capabilitiesOf, probeLines, SCRATCH_DEVICE, scratchDevice } from './capabilities.ts';
import { type Executor, type Scope, TcError } from './executor.ts';
import { type KernelState, leafCounters, type QueueCounter, type Readings, readKernel } from './kernelState.ts';
import { type Batch, renderSteps, type Steps, type Tool } from './reconcile.ts';
import {
  type LinkRow,
  parseClasses,
  parseDeviceQdiscs,
  parseFilters,
  parseLinks,
  parseQdiscs,
  type QdiscRow,
} from './rows.ts';
import { runTool } from './runTool.ts';
import { DEVICE_NAME } from './tcObject.ts';

const TIMEOUT_MS = 10_000;
/** iproute2 lies in sbin, which is not in everybody's PATH. */
const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;

/** netdevice(7) */
const IFF_UP = 1;

export interface TcOptions {
  /** A network namespace by name; the process's own where it is left out. */
  readonly netns?: string;
  readonly timeoutMs?: number;
  /** Folders where ip and tc are looked for. */
  readonly path?: string;
  /** Where sysfs(5) is mounted that shows the namespace. */
  readonly sys?: string;
}

export class Tc implements Executor {
  readonly #netns: readonly string[];
  readonly #timeoutMs: number;
  readonly #sys: string;
  readonly #env: NodeJS.ProcessEnv;

  constructor({ netns, timeoutMs = TIMEOUT_MS, path = PATH, sys = '/sys' }: TcOptions = {}) {
    this.#netns = netns === undefined ? [] : ['-n', netns];
    this.#timeoutMs = timeoutMs;
    this.#sys = sys;
    this.#env = { ...process.env, PATH: path, LC_ALL: 'C' };
  }

  /** Rejects where scratch devices may not be made at all. */
  async probe(): Promise<Capabilities> {
    await this.#removeScratchDevices();
    try {
      return await this.#tryOn(scratchDevice(process.pid));
    } finally {
      await this.#removeScratchDevices();
    }
  }

  async #tryOn(device: string): Promise<Capabilities> {
    await this.#batch('ip', [`link add name ${device} type ifb`]).catch(noneIfUnknown);
    await this.#run('tc', ['-force', '-batch', '-'], probeLines(device)).catch(noneIfUnknown);
    const [qdiscs, filters] = await Promise.all([
      this.#qdiscs(),
      this.#run('tc', ['-j', '-s', 'filter', 'show', 'dev', device, 'egress']).catch(noneIfUnknown),
    ]);
    const rows = qdiscs.filter(({ dev }) => dev === device);
    return capabilitiesOf(rows, parseFilters(filters));
  }

  async #removeScratchDevices(): Promise<void> {
    const links = parseLinks(await this.#run('ip', ['-j', 'link', 'show']));
    const left = links.filter(({ ifname }) => SCRATCH_DEVICE.test(ifname));
    await this.#batch(
      'ip',
      left.map(({ ifname }) => `link del dev ${ifname}`),
    );
  }

  async #links(): Promise<LinkRow[]> {
    return parseLinks(await this.#run('ip', ['-j', '-d', 'link', 'show']));
  }

  /** Of every interface where none is named. */
  async #qdiscs(names?: readonly string[]): Promise<QdiscRow[]> {
    if (names === undefined) return parseQdiscs(await this.#run('tc', ['-j', '-s', 'qdisc', 'show']));
    const commands = names.map((name) => `qdisc show dev ${name}`);
    const rows = await this.#show(commands, parseDeviceQdiscs);
    // Of one device, tc does not say which.
    return rows.flatMap((ofDevice, i) => ofDevice.map((row) => ({ ...row, dev: names[i] ?? '' })));
  }

  look(names: readonly string[]): ReadonlyMap<string, string> {
    const states = names.map((name): [string, string | null] => [name, this.#stateOf(name)]);
    return new Map(states.flatMap(([name, state]) => (state === null ? [] : [[name, state]])));
  }

  /** As `interfaceStates` has it; null: there is none. */
  #stateOf(name: string): string | null {
    const file = (attribute: string): string =>
      readFileSync(`${this.#sys}/class/net/${name}/${attribute}`, 'utf8').trim();
    try {
      return `${file('ifindex')} ${Number(file('flags')) & IFF_UP ? 'up' : 'down'}`;
    } catch {
      return null;
    }
  }

  async read(scope?: Scope): Promise<KernelState> {
    const links = await this.#links();
    const isThere = (name: string): boolean => links.some(({ ifname }) => ifname === name);
    const isWanted = ({ dev }: QdiscRow): boolean => scope === undefined || scope.interfaces.includes(dev);
    const devices = scope?.devices.filter(isThere) ?? links.map(({ ifname }) => ifname).filter(isOurName);
    const qdiscs = await this.#qdiscs(scope && [...devices, ...scope.interfaces.filter(isThere)]);
    const names = qdiscs.filter((row) => row.kind === 'clsact' && isWanted(row)).map(({ dev }) => dev);
    const [classes, filters] = await Promise.all([this.#classes(devices), this.#filters(devices, names)]);
    return readKernel({ links: linksIn(links, scope), qdiscs, classes, ...filters });
  }

  async count(devices: readonly string[]): Promise<ReadonlyMap<string, QueueCounter>> {
    return leafCounters(await this.#qdiscs(devices));
  }

  async fingerprint({ devices, interfaces }: Scope): Promise<string> {
    const lines = [
      ...devices.flatMap((device) => [
        `qdisc show dev ${device}`,
        `class show dev ${device}`,
        `filter show dev ${device}`,
      ]),
      ...interfaces.flatMap((name) => [
        `qdisc show dev ${name}`,
        ...hooksOf(name).map((hook) => `filter show dev ${hook}`),
      ]),
    ];
    const shown = lines.length === 0 ? '' : await this.#run('tc', ['-j', '-batch', '-'], lines);
    return createHash('sha256').update(shown).digest('base64');
  }

  async #classes(devices: readonly string[]): Promise<Readings['classes']> {
    const texts = await Promise.all(devices.map((device) => this.#run('tc', ['class', 'show', 'dev', device])));
    return new Map(devices.map((device, i) => [device, parseClasses(texts[i] ?? '')]));
  }

  async #filters(devices: readonly string[], names: readonly string[]): Promise<Pick<Readings, 'filters' | 'hooks'>> {
    const places = [...devices, ...names.flatMap(hooksOf)];
    const rows = await this.#show(
      places.map((place) => `filter show dev ${place}`),
      parseFilters,
    );
    const rowsOf = (place: string) => rows[places.indexOf(place)] ?? [];
    return {
      filters: new Map(devices.map((device) => [device, rowsOf(device)])),
      hooks: new Map(
        names.map((name) => [name, { egress: rowsOf(`${name} egress`), ingress: rowsOf(`${name} ingress`) }]),
      ),
    };
  }

  /** One run for all lists: it shows one line for each. The loop has a turn between two, for each may be megabytes. */
  async #show<Row>(commands: readonly string[], parse: (line: string) => Row[]): Promise<Row[][]> {
    if (commands.length === 0) return [];
    const shown = await this.#run('tc', ['-j', '-s', '-batch', '-'], commands);
    const lines = shown.split('\n').filter((line) => line !== '');
    if (lines.length !== commands.length) throw new Error('Cannot read tc: it did not show one line for each list');
    return parseInTurn(lines, parse);
  }

  async run(steps: Steps): Promise<void> {
    await this.#inTurn(renderSteps(steps));
  }

  async #inTurn([batch, ...rest]: readonly Batch[]): Promise<void> {
    if (batch === undefined) return;
    await this.#batch(batch.tool, batch.lines);
    await this.#inTurn(rest);
  }

  async #batch(tool: Tool, lines: readonly string[]): Promise<string> {
    return lines.length === 0 ? '' : this.#run(tool, ['-batch', '-'], lines);
  }

  async #run(tool: Tool, args: readonly string[], lines: readonly string[] = []): Promise<string> {
    const input = lines.map((line) => `${line}\n`).join('');
    const options = { input, env: this.#env, timeoutMs: this.#timeoutMs };
    const { stdout, stderr, status } = await runTool(tool, [...this.#netns, ...args], options).catch(
      (error: unknown) => {
        throw explainMissing(error, tool, args);
      },
    );
    if (status === 0) return stdout;
    const failed = input.split('\n')[Number(/Command failed -:(\d+)/.exec(stderr)?.[1]) - 1];
    const command = `${tool} ${failed ?? args.join(' ')}`;
    if (status === null) throw new TcError(command, '', `no end within ${this.#timeoutMs / 1000} s`);
    const why = stderr.split('\n').find((line) => !/^(?:Command failed.*)?$/.test(line)) ?? `status ${status}`;
    throw new TcError(command, stderr, isForbidden(stderr) ? `${why} (it needs root, or CAP_NET_ADMIN)` : why);
  }
}

const isOurName = (name: string): boolean => DEVICE_NAME.test(name);
const hooksOf = (name: string): string[] => [`${name} egress`, `${name} ingress`];

const linksIn = (links: readonly LinkRow[], scope: Scope | undefined): readonly LinkRow[] =>
  scope === undefined
    ? links
    : links.filter(({ ifname }) => scope.devices.includes(ifname) || scope.interfaces.includes(ifname));

async function parseInTurn<Row>([line, ...rest]: readonly string[], parse: (line: string) => Row[]): Promise<Row[][]> {
  if (line === undefined) return [];
  const rows = parse(line);
  await nextTurn();
  return [rows, ...(await parseInTurn(rest, parse))];
}

function explainMissing(error: unknown, tool: Tool, args: readonly string[]): TcError {
  const isAbsent = error instanceof Error && 'code' in error && error.code === 'ENOENT';
  const why = isAbsent ? `${tool}: not found: install the Debian package iproute2` : String(error);
  return new TcError(`${tool} ${args.join(' ')}`, '', why);
}

const isForbidden = (stderr: string): boolean => stderr.includes('Operation not permitted');

/** What the kernel has not is nothing; every other failure stays one. */
function noneIfUnknown(error: unknown): string {
  if (error instanceof TcError && error.stderr !== '' && !isForbidden(error.stderr)) return '';
  throw error;
}
