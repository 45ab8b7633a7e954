/** How numbers, times and names are told to a person, the same in alerts, in the terminal and on the status page. */
import type { Unit } from '../detectors/detector.ts';

const SCALES = ['', 'k', 'M', 'G', 'T', 'P'] as const;
const UNIT_NAMES: Readonly<Record<Unit, string>> = {
  packets: 'packets',
  'packets/s': 'pps',
  'bit/s': 'bit/s',
  cores: 'cores',
  bytes: 'B',
  kills: 'kills',
  contacts: 'contacts',
};
const ACRONYMS: ReadonlySet<string> = new Set([
  'arp',
  'cpu',
  'dns',
  'icmp',
  'ip',
  'ntp',
  'oom',
  'rst',
  'sip',
  'smtp',
  'syn',
  'tcp',
  'udp',
]);

/** Three significant digits with a decimal prefix: `52.1 kpps`, `95 Mbit/s`, `7.2 MB`, `1.2 M`. */
export function formatQuantity(value: number, unit: string): string {
  let scaled = value;
  let scale = 0;
  while (Math.abs(scaled) >= 999.5 && scale < SCALES.length - 1) {
    scaled /= 1000;
    scale += 1;
  }
  const digits = scale === 0 && Number.isInteger(scaled) ? String(scaled) : String(Number(scaled.toPrecision(3)));
  return `${digits} ${SCALES[scale] ?? ''}${unit}`.trimEnd();
}

export function formatRate(value: number, unit: Unit): string {
  return formatQuantity(value, UNIT_NAMES[unit]);
}

/** A share of 0 … 1 as `12 %`, and never as 0 % or 100 % what is not quite that. */
export function formatShare(share: number): string {
  const percent = share * 100;
  if (percent > 0 && percent < 1) return '< 1 %';
  if (percent > 99 && percent < 100) return '> 99 %';
  return `${Math.round(percent)} %`;
}

/** RFC 3339 to the second, as people write it: `2026-03-01 10:00:12 UTC`. */
export function formatTime(rfc3339: string): string {
  return `${rfc3339.slice(0, 10)} ${rfc3339.slice(11, 19)} UTC`;
}

/** A signature's id in words: `synFlood` is `SYN flood`. */
export function signatureWords(signature: string): string {
  const words = signature.split(/(?=[A-Z])/).map((word) => word.toLowerCase());
  return words.map((word) => (ACRONYMS.has(word) ? word.toUpperCase() : word)).join(' ');
}
