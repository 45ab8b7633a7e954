import assert from 'node:assert/strict';
import { basename } from 'node:path';
import { capturesOrPending } from '../../support/captures.ts';
import { type FlowCapture, flowCapturesOrPending } from '../../support/flowCaptures.ts';
import {
  type Difference,
  differences,
  type OwnReading,
  type PeerReading,
  readByWeir,
} from '../../support/flowReading.ts';
import { EXCEPTIONS, type Exception, type Peer } from './peers/exceptions.ts';
import { readByNfdump } from './peers/nfdump.ts';
import { readByNodeNetflow } from './peers/nodeNetflowv9.ts';
import { aggregate, readPmacctsExpectation } from './peers/pmacct.ts';
import { readFlowsByTshark } from './peers/tshark.ts';

/** Those that pmacct gives the senders of its captures. */
const PMACCT_EXPORTERS: Readonly<Record<string, string>> = {
  'pm-100': '172.21.1.101',
  'pm-101': '172.21.1.101',
  'pm-106': 'fd25::101',
  'pm-111': '172.21.1.101',
  'pm-112': 'fd25::101',
  'pm-500': '172.21.1.101',
};
/** pmacct has whole seconds. */
const SECOND_MS = 1001;

const isSflow = ({ name }: FlowCapture): boolean => name.includes('sflow');
const isMeant = (exception: Exception, peer: Peer, capture: string, difference: Difference): boolean =>
  exception.peer === peer &&
  exception.captures.some((name) => capture === name || capture.startsWith(`${name}-`)) &&
  exception.fields.includes(difference.field) &&
  (exception.isMeant?.(difference) ?? true);

function readAll(context: Mocha.Context): { captures: FlowCapture[]; ours: OwnReading[][] } {
  const captures = flowCapturesOrPending(context).filter((capture) => !isSflow(capture));
  return { captures, ours: captures.map(readByWeir) };
}

describe('FlowDecoder beside its peers', function () {
  this.timeout(60_000);
  const used = new Set<Exception>();
  let compared = 0;

  function assertSame(
    peer: Peer,
    capture: string,
    ours: readonly PeerReading[],
    theirs: readonly PeerReading[],
    toleranceMs = 1,
  ): void {
    const unexplained = differences(ours, theirs, toleranceMs).filter((difference) => {
      const exception = EXCEPTIONS.find((each) => isMeant(each, peer, capture, difference));
      if (exception !== undefined) used.add(exception);
      return exception === undefined;
    });
    compared += Math.min(ours.length, theirs.length);
    assert.deepEqual(unexplained, [], `${peer} on ${capture}`);
  }

  /** No exception that has become needless, and no comparison of nothing. */
  function assertUsed(peer: Peer, records: number): void {
    assert.deepEqual(
      EXCEPTIONS.filter((each) => each.peer === peer && !used.has(each)),
      [],
    );
    assert(compared >= records, `${compared} records`);
    compared = 0;
  }

  for (const [peer, read, records] of [
    ['nfdump', readByNfdump, 350],
    ['tshark', readFlowsByTshark, 350],
  ] as const) {
    it(`reads every field of the captures as ${peer} does, but for what it has wrong`, async function () {
      const { captures, ours } = readAll(this);
      const theirs = await read(captures);
      captures.forEach(({ name }, i) => assertSame(peer, name, ours[i] ?? [], theirs[i] ?? []));
      assertUsed(peer, records);
    });
  }

  it('reads every field of NetFlow v5 and v9 as node-netflowv9 does, but for what it has wrong', function () {
    const { captures, ours } = readAll(this);
    captures.forEach((capture, i) => {
      if (!/netflow[59]|NFv9/.test(capture.name)) return;
      assertSame('node-netflowv9', capture.name, ours[i] ?? [], readByNodeNetflow(capture).flows);
    });
    assertUsed('node-netflowv9', 200);
  });

  it("reads pmacct's captures as its own tests expect it", function () {
    const { captures } = readAll(this);
    const expectations = capturesOrPending(this, 'netflow').filter((path) => path.endsWith('__expected-flow.json'));
    for (const path of expectations) {
      const capture = captures.find(({ name }) => basename(path).startsWith(name)) ?? assert.fail(path);
      const exporter = PMACCT_EXPORTERS[capture.name.slice(0, 6)] ?? assert.fail(capture.name);
      const theirs = aggregate(readPmacctsExpectation(path, exporter));
      assertSame('pmacct', capture.name, aggregate(readByWeir(capture)), theirs, SECOND_MS);
    }
    assertUsed('pmacct', 90);
  });
});
