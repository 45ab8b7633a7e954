/** The one place that runs `tc` and `ip` of iproute2: batches by stdin, no shell, each run within a time limit. */
import { type Capabilities, capabilitiesOf, probeLines, SCRATCH_DEVICE, scratchDevice } from './capabilities.ts';
import { type Executor, TcError } from './executor.ts';
import { interfaceStates, type KernelState, type Readings, readKernel } from './kernelState.ts';
import { type Batch, renderSteps, type Steps, type Tool } from './reconcile.ts';
import { type LinkRow, parseClasses, parseFilters, parseLinks, parseQdiscs, type QdiscRow } from './rows.ts';
import { runTool } from './runTool.ts';
import { DEVICES } from './tcObject.ts';

const TIMEOUT_MS = 10_000;
/** iproute2 lies in sbin, which is not in everybody's PATH. */
const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;

export interface TcOptions {
  /** A network namespace by name; the process's own where it is left out. */
  readonly netns?: string;
  readonly timeoutMs?: number;
  /** Folders where ip and tc are looked for. */
  readonly path?: string;
}

export class Tc implements Executor {
  readonly #netns: readonly string[];
  readonly #timeoutMs: number;
  readonly #env: NodeJS.ProcessEnv;

  constructor({ netns, timeoutMs = TIMEOUT_MS, path = PATH }: TcOptions = {}) {
    this.#netns = netns === undefined ? [] : ['-n', netns];
    this.#timeoutMs = timeoutMs;
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

  async #qdiscs(): Promise<QdiscRow[]> {
    return parseQdiscs(await this.#run('tc', ['-j', '-s', 'qdisc', 'show']));
  }

  async interfaces(): Promise<ReadonlyMap<string, string>> {
    return interfaceStates(await this.#links());
  }

  async read(): Promise<KernelState> {
    const [links, qdiscs] = await Promise.all([this.#links(), this.#qdiscs()]);
    const devices = DEVICES.map(({ name }) => name).filter((name) => links.some(({ ifname }) => ifname === name));
    const names = qdiscs.filter(({ kind }) => kind === 'clsact').map(({ dev }) => dev);
    const [classes, filters] = await Promise.all([this.#classes(devices), this.#filters(devices, names)]);
    return readKernel({ links, qdiscs, classes, ...filters });
  }

  async #classes(devices: readonly string[]): Promise<Readings['classes']> {
    const texts = await Promise.all(devices.map((device) => this.#run('tc', ['class', 'show', 'dev', device])));
    return new Map(devices.map((device, i) => [device, parseClasses(texts[i] ?? '')]));
  }

  /** One run for all lists: it shows one line for each. */
  async #filters(devices: readonly string[], names: readonly string[]): Promise<Pick<Readings, 'filters' | 'hooks'>> {
    const places = [...devices, ...names.flatMap((name) => [`${name} egress`, `${name} ingress`])];
    const shown = await this.#run(
      'tc',
      ['-j', '-s', '-batch', '-'],
      places.map((place) => `filter show dev ${place}`),
    );
    const lines = shown.split('\n').filter((line) => line !== '');
    if (lines.length !== places.length) throw new Error('Cannot read filters: tc did not show one line for each list');
    const rows = new Map(places.map((place, i) => [place, parseFilters(lines[i] ?? '')]));
    const rowsOf = (place: string) => rows.get(place) ?? [];
    return {
      filters: new Map(devices.map((device) => [device, rowsOf(device)])),
      hooks: new Map(
        names.map((name) => [name, { egress: rowsOf(`${name} egress`), ingress: rowsOf(`${name} ingress`) }]),
      ),
    };
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
