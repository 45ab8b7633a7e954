/** Templates as they are kept over a restart: their octets as they came, so that only one piece of code reads templates. */
import { type Domain, domainKey, type ExporterState } from './exporterState.ts';
import { isInterval, learnSampler } from './sampling.ts';
import { compileTemplate, definitionOctets, type Template } from './template.ts';
import type { TemplateTable } from './templateTable.ts';

const VERSION = { netflow9: 9, ipfix: 10 } as const;
const MAX_ADDRESS_LENGTH = 64;
/** Coarse, so that templates that are merely sent again change nothing, and need not be written again. */
const REFRESHED_TO_MS = 3_600_000;

interface SavedTemplate {
  readonly id: number;
  readonly isOptions: boolean;
  readonly refreshedMs: number;
  /** Base64. */
  readonly definition: string;
}

interface SavedDomain {
  readonly protocol: string;
  readonly id: number;
  readonly bootMs: number | null;
  readonly samplingInterval: number;
  readonly samplers: readonly (readonly [sampler: number, interval: number])[];
  readonly templates: readonly SavedTemplate[];
}

interface SavedExporter {
  readonly exporter: string;
  readonly domains: readonly SavedDomain[];
}

export function saveExporter({ exporter, domains }: ExporterState): SavedExporter {
  const saved = [...domains.values()].filter(({ templates }) => templates.size > 0).map(saveDomain);
  return { exporter, domains: saved };
}

function saveDomain({ protocol, id, bootMs, samplingInterval, samplers, templates }: Domain): SavedDomain {
  return {
    protocol,
    id,
    bootMs: Number.isNaN(bootMs) ? null : bootMs,
    samplingInterval,
    samplers: [...samplers],
    templates: [...templates].map(([template, each]) => saveTemplate(template, each)),
  };
}

function saveTemplate(id: number, { isOptions, refreshedMs, definition }: Template): SavedTemplate {
  return {
    id,
    isOptions,
    refreshedMs: Math.floor(refreshedMs / REFRESHED_TO_MS) * REFRESHED_TO_MS,
    definition: Buffer.from(definition).toString('base64'),
  };
}

/** `stateOf` gives the place for an exporter; null: there is none. What makes no sense is left out. */
export function restoreExporters(
  saved: unknown,
  table: TemplateTable,
  stateOf: (exporter: string) => ExporterState | null,
): void {
  for (const { exporter, domains } of list(saved)) {
    const isNamed = typeof exporter === 'string' && exporter.length <= MAX_ADDRESS_LENGTH;
    const state = isNamed ? stateOf(exporter) : null;
    if (state !== null) for (const domain of list(domains)) restoreDomain(domain, state, table);
  }
}

function restoreDomain(saved: Fields, state: ExporterState, table: TemplateTable): void {
  const { protocol, id, bootMs, samplingInterval, samplers, templates } = saved;
  if ((protocol !== 'netflow9' && protocol !== 'ipfix') || !isWord(id)) return;
  const key = domainKey(VERSION[protocol], id);
  const domain = state.domain({ protocol, observationDomainId: id, receivedMs: 0 }, key);
  if (typeof bootMs === 'number') domain.bootMs = bootMs;
  if (typeof samplingInterval === 'number' && isInterval(samplingInterval)) domain.samplingInterval = samplingInterval;
  if (Array.isArray(samplers)) for (const each of samplers) restoreSampler(each, domain);
  for (const template of list(templates)) restoreTemplate(template, state, domain, table);
}

function restoreSampler(saved: unknown, domain: Domain): void {
  if (!Array.isArray(saved)) return;
  const [sampler, interval]: unknown[] = saved;
  if (typeof sampler === 'number' && typeof interval === 'number' && isInterval(interval))
    learnSampler(domain, sampler, interval);
}

function restoreTemplate(saved: Fields, state: ExporterState, domain: Domain, table: TemplateTable): void {
  const { id, isOptions, refreshedMs, definition } = saved;
  if (!isWord(id) || id < 256 || id > 0xffff || typeof definition !== 'string' || typeof refreshedMs !== 'number')
    return;
  const form = { isIpfix: domain.protocol === 'ipfix', isOptions: isOptions === true };
  const bytes = new Uint8Array(Buffer.from(definition, 'base64'));
  if (definitionOctets(new DataView(bytes.buffer), 0, bytes.length, form) !== bytes.length) return;
  const template = compileTemplate(bytes, form, refreshedMs);
  if (typeof template !== 'string') table.restore(state, domain, id, template);
}

type Fields = Readonly<Record<string, unknown>>;

/** The objects of what should be an array of them. */
function list(value: unknown): Fields[] {
  return Array.isArray(value)
    ? value.filter((each: unknown): each is Fields => typeof each === 'object' && each !== null)
    : [];
}

const isWord = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 32;
