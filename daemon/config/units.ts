/** The values that carry a unit in the configuration, as zod types: text with its unit in, a plain number out. */
import { z } from 'zod';

/** Decimal, as tc(8) has them. */
const RATES = { bit: 1, kbit: 1e3, mbit: 1e6, gbit: 1e9, tbit: 1e12 };
const PACKET_RATES = { pps: 1, kpps: 1e3, mpps: 1e6 };
const DURATIONS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** `kb` is decimal, `kib` binary (IEC 80000-13). */
const SIZES = { b: 1, kb: 1e3, mb: 1e6, gb: 1e9, kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30 };

type Units = Readonly<Record<string, number>>;

/** The value as the user wrote it, short enough for a message. */
export function shown(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (value === null) return 'nothing';
  if (typeof value === 'object') return 'a mapping';
  const text = typeof value === 'number' ? String(value) : JSON.stringify(value);
  return text.length <= 60 ? text : `${text.slice(0, 56)}…"`;
}

/**
 * A type that `parse` reads; it answers null to what is not `expected`. `refuse` says why a value that was read is
 * none the less wrong.
 */
function field<Value>(
  expected: string,
  parse: (value: unknown) => Value | null,
  refuse: (value: Value) => string | null = () => null,
) {
  return z.unknown().transform((value, context): Value => {
    const parsed = parse(value);
    const why = parsed === null ? wrong(expected, value) : refuse(parsed);
    if (parsed !== null && why === null) return parsed;
    context.addIssue({ code: 'custom', message: why ?? '' });
    return z.NEVER;
  });
}

function wrong(expected: string, value: unknown): string {
  if (value === undefined) return 'is missing';
  const got = shown(value);
  return `must be ${expected}, got ${got}${got === 'a mapping' ? ': are quotes missing?' : ''}`;
}

/** `field` for what is written as text. */
export const textField = <Value>(
  expected: string,
  parse: (text: string) => Value | null,
  refuse?: (value: Value) => string | null,
) => field(expected, (value) => (typeof value === 'string' ? parse(value) : null), refuse);

function parseQuantity(units: Units, text: string): number | null {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)([a-z]+)$/.exec(text) ?? [];
  const factor = unit !== undefined && Object.hasOwn(units, unit) ? units[unit] : undefined;
  return factor === undefined ? null : Math.round(Number(amount) * factor);
}

/** Bit/s of `80mbit` or `1.5Gbit`; null: it is no rate. */
export const parseRate = (text: string): number | null => parseQuantity(RATES, text.toLowerCase());
/** Packets a second of `50kpps` or `1.2Mpps`; null: it is no packet rate. */
export const parsePacketRate = (text: string): number | null => parseQuantity(PACKET_RATES, text.toLowerCase());
/** Milliseconds of `15m` or `250ms`; null: it is no duration. */
export const parseDuration = (text: string): number | null => parseQuantity(DURATIONS, text);
/** Bytes of `64kib` or `1MiB`; null: it is no size. */
export const parseSize = (text: string): number | null => parseQuantity(SIZES, text.toLowerCase());

const largestUnit = (units: Units, value: number, fits: (factor: number) => boolean): readonly [string, number] =>
  Object.entries(units).findLast(([, factor]) => factor === 1 || (value > 0 && fits(factor))) ?? ['', 1];

/** `45mbit`, in the form that `parseRate` reads. */
export const writeRate = (bps: number): string => write(RATES, bps);
/** `50kpps`, in the form that `parsePacketRate` reads. */
export const writePacketRate = (packetsPerSecond: number): string => write(PACKET_RATES, packetsPerSecond);

function write(units: Units, value: number): string {
  const [name, factor] = largestUnit(units, value, (unit) => unit <= value);
  return `${value / factor}${name}`;
}

/** `100 Mbit/s`. */
export function formatRate(bps: number): string {
  const names = { 'bit/s': 1, 'kbit/s': 1e3, 'Mbit/s': 1e6, 'Gbit/s': 1e9, 'Tbit/s': 1e12 };
  const [name, factor] = largestUnit(names, bps, (unit) => unit <= bps);
  return `${Number((bps / factor).toFixed(3))} ${name}`;
}

/** `50 kpps`. */
function formatPacketRate(packetsPerSecond: number): string {
  const names = { pps: 1, kpps: 1e3, Mpps: 1e6 };
  const [name, factor] = largestUnit(names, packetsPerSecond, (unit) => unit <= packetsPerSecond);
  return `${Number((packetsPerSecond / factor).toFixed(3))} ${name}`;
}

/** `15m`, in the form that `parseDuration` reads. */
export function formatDuration(ms: number): string {
  const [name, factor] = largestUnit(DURATIONS, ms, (unit) => ms % unit === 0);
  return `${ms / factor}${name}`;
}

/** `64kib`, in the form that `parseSize` reads. */
export function formatSize(bytes: number): string {
  const [name, factor] = largestUnit(SIZES, bytes, (unit) => bytes % unit === 0);
  return `${bytes / factor}${name}`;
}

const within = (min: number, max: number, format: (value: number) => string) => (value: number) =>
  value >= min && value <= max ? null : `must be from ${format(min)} to ${format(max)}, got ${format(value)}`;

const isFilePath = (text: string): boolean =>
  text.startsWith('/') && !text.endsWith('/') && !text.includes('\0') && text.length <= 4095;

/** From the root, so that it does not depend on where the daemon is started. */
export const filePath = (example: string) =>
  textField(`a path from the root such as ${example}`, (text) => (isFilePath(text) ? text : null));

/** As `filePath`; `none`: there shall be no such file. */
export const filePathOrNone = (example: string) =>
  textField(`a path from the root such as ${example}, or none`, (text) =>
    text === 'none' || isFilePath(text) ? text : null,
  ).transform((path) => (path === 'none' ? null : path));

/** `80mbit` → bit/s. */
export const rate = (minBps = 1, maxBps = 10e12) =>
  textField('a rate with its unit such as 80mbit', parseRate, within(minBps, maxBps, formatRate));

/** `50kpps` → packets a second. */
export const packetRate = (min = 1, max = 1e12) =>
  textField('a packet rate with its unit such as 50kpps', parsePacketRate, within(min, max, formatPacketRate));

/** `15m` → milliseconds. */
export const duration = (minMs = 1, maxMs = 3650 * DURATIONS.d) =>
  textField('a duration with its unit such as 15m', parseDuration, within(minMs, maxMs, formatDuration));

/** `64kib` → bytes, a multiple of `step`. */
export const size = (minBytes = 1, maxBytes = 2 ** 40, step = 1) =>
  textField('a size with its unit such as 64kib', parseSize, (bytes) =>
    bytes % step === 0
      ? within(minBytes, maxBytes, formatSize)(bytes)
      : `must be a multiple of ${formatSize(step)}, got ${formatSize(bytes)}`,
  );

/** A whole number. */
export const count = (min = 1, max = 1e12) =>
  field(`a whole number from ${min} to ${max}`, (value) =>
    typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max ? value : null,
  );

/** A number with a fraction. */
export const decimal = (min: number, max: number) =>
  field(`a number from ${min} to ${max}`, (value) =>
    typeof value === 'number' && value >= min && value <= max ? value : null,
  );

/** `mode` of every detector. */
export const modeField = z.enum(['off', 'observe', 'enforce']).default('observe');
