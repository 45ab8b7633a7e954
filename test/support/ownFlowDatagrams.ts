/** Datagrams of every flow protocol, written by ourselves: what a clone without the real captures is tested with. */
import { flowDatagrams, FLOW_PROTOCOLS } from '../bench/flowDatagrams.ts';
import type { FlowCapture } from './flowCaptures.ts';
import {
  type Cell,
  dataOf,
  DESTINATION,
  FIXED,
  HEADER,
  NOW,
  PLAIN,
  scope,
  SOURCE,
  specOf,
  templateOf,
  UPTIME,
} from './flowCells.ts';
import {
  counterSample,
  fixedMessage,
  flowSample,
  flowSet,
  interfaceCounters,
  optionsSet,
  optionsTemplate,
  rawHeader,
  sampledPacket,
  sflowMessage,
  template,
  templatedMessage,
  type TemplatedProtocol,
  templateSet,
  uint,
  VARIABLE,
  variable,
} from './flowMessages.ts';
import { EXPORTER } from './flowRecords.ts';
import { frame } from './frames.ts';

/** Both families, times of the protocol, a sampler, ports, reduced sizes. */
const cellsOf = (protocol: TemplatedProtocol): Cell[] => [
  ...PLAIN,
  [27, 16, 0x2001n << 112n],
  [28, 16, 1n],
  [60, 1, 4],
  ...(protocol === 'ipfix'
    ? ([
        [152, 8, NOW - 5000],
        [153, 8, NOW - 1000],
        [1, 8, 5000, 29_305],
        [2, 3, 9, 29_305],
        [6, 2, 0x5012, 29_305],
      ] as const)
    : ([
        [22, 4, UPTIME - 5000],
        [21, 4, UPTIME - 1000],
      ] as const)),
  [4, 1, 6],
  [7, 2, 5060],
  [11, 2, 5062],
  [6, 1, 0x1b],
  [10, 2, 3],
  [14, 4, 4],
  [48, 2, 9],
  [61, 1, 1],
];

/** Templates, options that tell of samplers, and data of three templates in one message. */
function templated(protocol: TemplatedProtocol): Buffer[] {
  const cells = cellsOf(protocol);
  const options: readonly Cell[] = [scope(protocol), [48, 2, 9], [50, 4, 512], [160, 8, NOW - UPTIME]];
  const taken: readonly Cell[] = [scope(protocol), [305, 4, 1], [306, 4, 99], [309, 4, 1], [310, 8, 100]];
  const message = (...sets: readonly Buffer[]) => templatedMessage(protocol, HEADER, ...sets);
  return [
    message(
      templateOf(protocol, cells, 300),
      templateOf(protocol, PLAIN, 301),
      optionsSet(
        protocol,
        optionsTemplate(protocol, 400, 1, options.map(specOf)),
        optionsTemplate(protocol, 401, 1, taken.map(specOf)),
      ),
    ),
    message(dataOf(options, 400), dataOf(taken, 401), dataOf(cells, 300), dataOf(PLAIN, 301)),
    message(templateOf(protocol, cells, 302), dataOf(cells, 302), dataOf(PLAIN, 301)),
  ];
}

/** Values of variable length, of an enterprise. */
function variableLength(): Buffer[] {
  const specs = [
    { element: 82, octets: VARIABLE },
    ...PLAIN.map(specOf),
    { element: 100, octets: VARIABLE, enterprise: 6871 },
    { element: 153, octets: 8 },
  ];
  const values = PLAIN.map(([, octets, value]) => uint(value, octets));
  const record = (length: number): Buffer =>
    Buffer.concat([variable(Buffer.from('eth0')), ...values, variable(Buffer.alloc(length)), uint(NOW - 1000, 8)]);
  return [
    templatedMessage('ipfix', HEADER, templateSet('ipfix', template(310, specs))),
    templatedMessage('ipfix', HEADER, flowSet(310, Buffer.concat([record(3), record(260), record(0)]))),
  ];
}

function sflow(): Buffer[] {
  const header = frame({ source: '192.0.2.1', destination: '198.51.100.9', payload: 20 });
  const ports = { sourcePort: 443, destinationPort: 5060, flags: 0x12, length: 1500, protocol: 6 };
  const four = sampledPacket({ ...ports, source: uint(SOURCE, 4), destination: uint(DESTINATION, 4) });
  const six = sampledPacket({ ...ports, source: uint(1n << 125n, 16), destination: uint(1, 16) });
  const kinds = [100, 20, 3, 7, 1] as const;
  const counters = interfaceCounters({
    index: 17,
    speed: 10n ** 10n,
    inOctets: 2n ** 40n,
    inbound: kinds,
    outOctets: 9n,
    outbound: kinds,
  });
  const samples = [
    flowSample({ rate: 512 }, rawHeader(header, 1518)),
    flowSample({ rate: 512, isExpanded: true }, rawHeader(header, 1518), four),
    flowSample({ rate: 512 }, four),
    flowSample({ rate: 512 }, six),
    counterSample(false, counters),
    counterSample(true, counters),
  ];
  return [sflowMessage({ agent: uint(SOURCE, 4) }, ...samples), sflowMessage({ agent: uint(1, 16) }, ...samples)];
}

const captureOf = (name: string, datagrams: readonly Uint8Array[]): FlowCapture => ({
  name,
  datagrams: datagrams.map((bytes) => ({ exporter: EXPORTER, bytes: new Uint8Array(bytes) })),
});

export const ownFlowDatagrams: readonly FlowCapture[] = [
  ...([1, 5, 7] as const).map((version) =>
    captureOf(`own NetFlow v${version}`, [fixedMessage(version, { ...HEADER, sampling: 0x4064 }, FIXED, FIXED, FIXED)]),
  ),
  captureOf('own NetFlow v9', templated('netflow9')),
  captureOf('own IPFIX', templated('ipfix')),
  captureOf('own IPFIX of variable length', variableLength()),
  captureOf('own sFlow', sflow()),
  ...FLOW_PROTOCOLS.map((protocol) => captureOf(`full ${protocol}`, flowDatagrams(protocol, 1, 28, NOW))),
];
