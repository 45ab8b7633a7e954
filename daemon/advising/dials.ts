/** What can be turned to make a detector find more or less: a threshold in its section, or in a tenant's plan. */
import type { Config } from '../config/config.ts';
import { writePacketRate, writeRate } from '../config/units.ts';
import type { DetectorConfig, Unit } from '../detectors/detector.ts';
import { detectorDefinitions } from '../detectors/index.ts';
import type { BandwidthThreshold, Tenant } from '../tenants/tenant.ts';

export interface Dial {
  readonly place: Place;
  /** The same as text: its name. */
  readonly path: string;
  readonly signature: string;
  readonly unit: Unit;
  /** Whose plan it is in; null: it is for all. */
  readonly tenant: string | null;
  /** null: it is not set. */
  readonly current: number | null;
  readonly least: number;
  readonly most: number;
  /** As the configuration has it: `20000`, `45mbit`. */
  readonly write: (value: number) => string;
}

/** Where it stands in the configuration. */
export type Place =
  | { readonly detector: string; readonly option: string }
  | { readonly tenant: string; readonly key: 'rate' | 'packets' };

/** By a dial's path; null: not set. */
export type Settings = ReadonlyMap<string, number | null>;

const PLAN_DETECTOR = 'bandwidthThreshold';
/** The time of a plan's threshold where it has none. */
const USUAL_FOR_MS = 60_000;
/** What is set to find out how high everybody is. */
const LOWEST = 1;

/** Of the detectors that are not off. */
export const dialsOf = (config: Config): Dial[] => [
  ...detectorDefinitions.flatMap(({ id, thresholds = [] }) => {
    const section = sectionOf(config, id);
    if (section.mode === 'off') return [];
    return thresholds.map(({ signature, option, least }): Dial => ({
      ...placed({ detector: id, option }),
      signature: signature.id,
      unit: signature.unit,
      tenant: null,
      current: numberIn(section, option),
      least,
      most: Infinity,
      write: String,
    }));
  }),
  ...(sectionOf(config, PLAN_DETECTOR).mode === 'off' ? [] : config.tenants.flatMap(planDials)),
];

function planDials({ id, plan }: Tenant): Dial[] {
  if (plan.guaranteed) return [];
  const { rateBps = null, packetsPerSecond = null } = plan.threshold ?? {};
  const common = { tenant: id, least: LOWEST };
  const rate: Dial = {
    ...common,
    ...placed({ tenant: id, key: 'rate' }),
    signature: 'bandwidthThreshold',
    unit: 'bit/s',
    current: rateBps,
    most: plan.portBps ?? Infinity,
    write: writeRate,
  };
  const packets: Dial = {
    ...common,
    ...placed({ tenant: id, key: 'packets' }),
    signature: 'packetThreshold',
    unit: 'packets/s',
    current: packetsPerSecond,
    most: Infinity,
    write: writePacketRate,
  };
  return packetsPerSecond === null ? [rate] : [rate, packets];
}

const pathOf = (place: Place): string =>
  'detector' in place
    ? `detectors.${place.detector}.${place.option}`
    : `tenants.${place.tenant}.plan.threshold.${place.key}`;

const placed = (place: Place): Pick<Dial, 'place' | 'path'> => ({ place, path: pathOf(place) });

const sectionOf = (config: Config, id: string): DetectorConfig => {
  const schema = detectorDefinitions.find((each) => each.id === id)?.config;
  return config.detectors[id] ?? schema?.parse({}) ?? { mode: 'off' };
};

const numberIn = (section: object, option: string): number | null => {
  const value: unknown = Object.entries(section).find(([key]) => key === option)?.[1];
  return typeof value === 'number' ? value : null;
};

/** The configuration with its dials set otherwise. */
export function withSettings(config: Config, settings: Settings): Config {
  const detectors = detectorDefinitions.map(({ id, thresholds = [] }) => {
    const values = thresholds.flatMap(({ option }) => {
      const value = settings.get(pathOf({ detector: id, option }));
      return value === undefined || value === null ? [] : [[option, value] as const];
    });
    return [id, { ...sectionOf(config, id), ...Object.fromEntries(values) }] as const;
  });
  return {
    ...config,
    detectors: Object.fromEntries(detectors),
    tenants: config.tenants.map((tenant) => withThreshold(tenant, settings)),
  };
}

function withThreshold(tenant: Tenant, settings: Settings): Tenant {
  const { id, plan } = tenant;
  const rateBps = settings.get(pathOf({ tenant: id, key: 'rate' })) ?? null;
  const packetsPerSecond = settings.get(pathOf({ tenant: id, key: 'packets' })) ?? null;
  const forMs = plan.threshold?.forMs ?? USUAL_FOR_MS;
  const threshold: BandwidthThreshold | null =
    rateBps === null && packetsPerSecond === null ? null : { rateBps, packetsPerSecond, forMs };
  return { ...tenant, plan: { ...plan, threshold } };
}

/** With everybody's means told, however low. */
export const toldOfAll = (config: Config): Config =>
  withSettings(
    config,
    new Map(dialsOf(config).map(({ path, tenant, current }) => [path, tenant === null ? current : LOWEST])),
  );
