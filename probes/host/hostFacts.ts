/** CPU, memory, load, pressure and interface counters of the host as a whole. What cannot be read is null. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { mem } from 'systeminformation';
import type { HostSample, Pressure } from '../sample.ts';
import { parseStallSeconds } from './cgroupText.ts';
import { parseInterfaceCounters } from './interfaceCounters.ts';
import { readWholeIfAny } from './kernelFile.ts';

/** proc(5): /proc/stat counts in USER_HZ, 100 on every architecture that Node.js runs on. */
const TICKS_PER_SECOND = 100;
/**
 * user nice system irq softirq steal, of: user nice system idle iowait irq softirq steal guest guest_nice. The guests are in
 * user and nice already. What the hypervisor took (steal) was wanted, and no tenant can have it.
 */
const BUSY_COLUMNS = [0, 1, 2, 5, 6, 7];

export type Memory = Pick<HostSample, 'memoryTotalBytes' | 'memoryAvailableBytes' | 'swapUsedBytes'>;

/** Of /proc/meminfo, by systeminformation: half a millisecond of CPU, and no process is started. */
export async function readMemory(): Promise<Memory> {
  const { total, available, swapused } = await mem();
  return { memoryTotalBytes: known(total), memoryAvailableBytes: known(available), swapUsedBytes: known(swapused) };
}

const known = (bytes: number): number | null => (Number.isFinite(bytes) ? bytes : null);

/** All but the memory, at one moment. */
export function readHost(procRoot: string, memory: Memory): HostSample {
  const stat = readProc(procRoot, 'stat');
  return {
    cores: countProcessors(stat) || availableParallelism(),
    cpuBusySeconds: parseBusySeconds(stat),
    load1: parseLoad1(readProc(procRoot, 'loadavg')),
    ...memory,
    pressure: readPressure(procRoot),
    interfaces: parseInterfaceCounters(readProc(procRoot, 'net/dev')),
  };
}

/** Those that are online. */
const countProcessors = (stat: string): number => stat.match(/^cpu\d+ /gm)?.length ?? 0;

function parseBusySeconds(stat: string): number | null {
  const columns = /^cpu +([\d ]+)$/m.exec(stat)?.[1]?.split(' ').map(Number);
  if (columns === undefined || columns.length < BUSY_COLUMNS.length) return null;
  return BUSY_COLUMNS.reduce((sum, column) => sum + (columns[column] ?? 0), 0) / TICKS_PER_SECOND;
}

function parseLoad1(loadavg: string): number | null {
  const digits = /^\d+\.\d+(?= )/.exec(loadavg)?.[0];
  return digits === undefined ? null : Number(digits);
}

/** All null for a kernel without PSI, or with `psi=0`. */
function readPressure(procRoot: string): Pressure {
  const cpu = readProc(procRoot, 'pressure/cpu');
  const memory = readProc(procRoot, 'pressure/memory');
  return {
    cpuSomeSeconds: parseStallSeconds(cpu, 'some'),
    memorySomeSeconds: parseStallSeconds(memory, 'some'),
    memoryFullSeconds: parseStallSeconds(memory, 'full'),
  };
}

const readProc = (procRoot: string, file: string): string => readWholeIfAny(join(procRoot, file)) ?? '';
