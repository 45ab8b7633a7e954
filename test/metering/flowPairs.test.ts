import assert from 'node:assert/strict';
import { formatAddress } from '../../daemon/metering/address.ts';
import { kindOfFlow } from '../../daemon/metering/flowKind.ts';
import { Flow, FlowWindows, OPEN_WINDOWS, UnmeteredFlows } from '../../daemon/metering/flowWindows.ts';
import { SIGHTINGS } from '../../daemon/metering/pairTable.ts';
import { Window } from '../../daemon/metering/window.ts';
import { parseAddress } from '../../daemon/tenants/prefix.ts';
import { TCP_FLAGS } from '../support/frames.ts';
import { testContext } from '../support/windowBuilder.ts';

const { directory, tenants, hashSeed } = testContext();
const WINDOW_MS = 5000;
const [client, server] = ['192.0.2.1', '198.51.100.9'];
const { syn, ack, rst, fin, psh } = TCP_FLAGS;

interface Told {
  readonly isAnswer?: boolean;
  readonly protocol: number;
  readonly port?: number;
  readonly flags?: number;
  readonly packets?: number;
}

function flowOf({ isAnswer = false, protocol, port = 80, flags = 0, packets = 1 }: Told): Flow {
  const flow = new Flow();
  const [source, destination] = (isAnswer ? [server, client] : [client, server]).map(parseAddress);
  assert(source && destination);
  const { header } = flow;
  [header.source0, header.source1, header.source2, header.source3] = source;
  [header.destination0, header.destination1, header.destination2, header.destination3] = destination;
  header.protocol = protocol;
  header.flags = protocol === 1 ? port : flags;
  header.kind = kindOfFlow(protocol, flags, packets);
  [header.sourcePort, header.destinationPort] = isAnswer ? [port, 40_000] : [40_000, port];
  Object.assign(flow, {
    startMs: 1000,
    endMs: 1000,
    packets,
    octets: 60 * packets,
    packetsSeen: packets,
    samplingInterval: 1,
  });
  return flow;
}

/** `syn 192.0.2.1 > 198.51.100.9 80` of all windows. */
function sightings(records: readonly Told[]): string[] {
  const shape = {
    observed: 'flows',
    tenants: tenants.length,
    targetBits: 6,
    sourceBits: 6,
    details: 4,
    pairBits: 6,
  } as const;
  const free = Array.from({ length: OPEN_WINDOWS + 1 }, () => new Window(shape));
  const seen: string[] = [];
  const windows = new FlowWindows({
    directory,
    hashSeed,
    windowMs: WINDOW_MS,
    nextWindow: () => free.pop() ?? null,
    onWindow(window) {
      for (const { sighting, initiator, responder, port } of window.pairs.lines())
        seen.push(`${SIGHTINGS[sighting]} ${formatAddress(...initiator)} > ${formatAddress(...responder)} ${port}`);
      free.push(window);
    },
  });
  windows.advance(1000);
  for (const record of records) windows.observe(flowOf(record), new UnmeteredFlows());
  windows.advance(1000 + OPEN_WINDOWS * WINDOW_MS);
  return seen;
}

const ends = `${client} > ${server}`;
const cases: readonly (readonly [what: string, records: readonly Told[], sightings: readonly string[]])[] = [
  ['a SYN that nobody answers', [{ protocol: 6, flags: syn }], [`syn ${ends} 80`]],
  [
    'a SYN to a closed port',
    [
      { protocol: 6, flags: syn },
      { isAnswer: true, protocol: 6, flags: rst | ack },
    ],
    [`syn ${ends} 80`, `refused ${ends} 80`],
  ],
  [
    'a whole connection, by either of its flows or both',
    [
      { protocol: 6, flags: syn | ack | psh | fin, packets: 9 },
      { isAnswer: true, protocol: 6, flags: syn | ack | psh | fin, packets: 9 },
    ],
    [`syn ${ends} 80`, `answered ${ends} 80`],
  ],
  [
    'the answering flow alone as nothing',
    [{ isAnswer: true, protocol: 6, flags: syn | ack | psh | fin, packets: 9 }],
    [],
  ],
  ['a connection whose beginning was told earlier as nothing', [{ protocol: 6, flags: ack | psh, packets: 9 }], []],
  [
    'datagrams and their answers',
    [
      { protocol: 17, port: 53 },
      { isAnswer: true, protocol: 17, port: 53 },
    ],
    [`udp ${ends} 53`, `answered ${ends} 53`],
  ],
  [
    'answers that nobody asked for',
    [{ isAnswer: true, protocol: 17, port: 53 }],
    [`response ${server} > ${client} 53`],
  ],
  ['flags that no stack sends', [{ protocol: 6, flags: fin }], [`fin ${ends} 80`, `tcpFlags ${ends} -1`]],
  ['an echo', [{ protocol: 1, port: 8 << 8 }], [`echo ${ends} -1`]],
];

describe('FlowWindows, by pairs of addresses', () => {
  for (const [what, records, expected] of cases)
    it(`shows ${what}`, () => assert.deepEqual(sightings(records), expected));
});
