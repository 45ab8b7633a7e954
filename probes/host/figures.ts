/** Which file of which hierarchy has which figure of a workload: the one list of both versions of cgroups. */
import { asLimit, inUnitsOf, parseField, parseNumber, parseStallSeconds } from './cgroupText.ts';
import type { Controller, Hierarchy } from './hierarchies.ts';

const FIGURES = [
  'cpuSeconds',
  'throttledSeconds',
  'memoryBytes',
  'inactiveFileBytes',
  /** v1 alone: the tightest of all ancestors, Infinity for none. In v2 limits are files of their own. */
  'memoryLimitBytes',
  'oomKills',
  'cpuSomeSeconds',
  'memorySomeSeconds',
  'memoryFullSeconds',
] as const;

export type Figure = (typeof FIGURES)[number];
export type Figures = Record<Figure, number | null>;

type Parser = (text: string) => number | null;

export interface Source {
  readonly file: string;
  readonly figures: readonly (readonly [Figure, Parser])[];
}

const V1_SOURCES: Readonly<Record<Controller, readonly Source[]>> = {
  cpuacct: [{ file: 'cpuacct.usage', figures: [['cpuSeconds', (text) => inUnitsOf(1e9, parseNumber(text))]] }],
  cpu: [
    { file: 'cpu.stat', figures: [['throttledSeconds', (text) => inUnitsOf(1e9, parseField(text, 'throttled_time'))]] },
  ],
  memory: [
    { file: 'memory.usage_in_bytes', figures: [['memoryBytes', parseNumber]] },
    {
      file: 'memory.stat',
      figures: [
        ['inactiveFileBytes', (text) => parseField(text, 'total_inactive_file')],
        ['memoryLimitBytes', (text) => asLimit(parseField(text, 'hierarchical_memory_limit'))],
      ],
    },
    // Unlike memory.events of v2 it does not count what was killed in cgroups below.
    { file: 'memory.oom_control', figures: [['oomKills', (text) => parseField(text, 'oom_kill')]] },
  ],
};

const V2_SOURCES: readonly Source[] = [
  {
    file: 'cpu.stat',
    figures: [
      ['cpuSeconds', (text) => inUnitsOf(1e6, parseField(text, 'usage_usec'))],
      // There only if the cpu controller is enabled.
      ['throttledSeconds', (text) => inUnitsOf(1e6, parseField(text, 'throttled_usec'))],
    ],
  },
  { file: 'memory.current', figures: [['memoryBytes', parseNumber]] },
  { file: 'memory.stat', figures: [['inactiveFileBytes', (text) => parseField(text, 'inactive_file')]] },
  { file: 'memory.events', figures: [['oomKills', (text) => parseField(text, 'oom_kill')]] },
  { file: 'cpu.pressure', figures: [['cpuSomeSeconds', (text) => parseStallSeconds(text, 'some')]] },
  {
    file: 'memory.pressure',
    figures: [
      ['memorySomeSeconds', (text) => parseStallSeconds(text, 'some')],
      ['memoryFullSeconds', (text) => parseStallSeconds(text, 'full')],
    ],
  },
];

export const sourcesOf = ({ version, controllers }: Hierarchy): readonly Source[] =>
  version === 2 ? V2_SOURCES : controllers.flatMap((controller) => V1_SOURCES[controller]);

export const unknownFigures = (): Figures => ({
  cpuSeconds: null,
  throttledSeconds: null,
  memoryBytes: null,
  inactiveFileBytes: null,
  memoryLimitBytes: null,
  oomKills: null,
  cpuSomeSeconds: null,
  memorySomeSeconds: null,
  memoryFullSeconds: null,
});
