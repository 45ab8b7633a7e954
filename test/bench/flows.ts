/** What a flow record costs, decoded and metered, beside node-netflowv9 and nfcapd. */
import { FLOW_PROTOCOLS, type FlowProtocol } from './flowDatagrams.ts';
import { DATAGRAMS, DECODERS, type FlowCost, measureDecoder } from './flowDecoding.ts';
import { inTurn } from './inTurn.ts';
import { measureNfcapd } from './nfcapd.ts';
import type { Cell, Section } from './report.ts';
import { TENANTS } from './workload/addresses.ts';

/** Million records a second, decoded and metered. */
const GOALS: Readonly<Record<FlowProtocol, number>> = { netflow5: 4, netflow9: 2, ipfix: 2 };

export async function measureFlows(): Promise<Section> {
  return {
    title: 'Flow records, on one core: CPU ns per record',
    notes: [
      `full datagrams of ${TENANTS} tenants' flows, the exporter's clock right; weir and node-netflowv9: ${DATAGRAMS} of them over and over`,
      'weir, decoded: into one object that is filled again and again; node-netflowv9: an object a record, no IPFIX',
      'nfcapd: received over loopback, decoded and written to files, which are in memory; nothing is metered',
    ],
    columns: ['protocol', 'tool', 'records', 'ns', 'M records/s', 'goal'],
    rows: (await inTurn(FLOW_PROTOCOLS, measureProtocol)).flat(),
  };
}

async function measureProtocol(protocol: FlowProtocol): Promise<Cell[][]> {
  const decoders = DECODERS.map((decoder) => {
    const isUnknown = decoder.startsWith('node') && protocol === 'ipfix';
    return [decoder, isUnknown ? null : measureDecoder(decoder, protocol)] as const;
  });
  const costs = [...decoders, ['nfcapd', await measureNfcapd(protocol)] as const];
  return costs.map(([tool, cost]) => [protocol, tool, ...figures(cost), tool === DECODERS[0] ? GOALS[protocol] : null]);
}

function figures(cost: FlowCost | null): readonly [records: Cell, ns: Cell, millions: Cell] {
  if (cost === null) return [null, null, null];
  const ns = cost.cpuNs / cost.records;
  return [cost.records, Math.round(ns), 1000 / ns];
}
