import assert from 'node:assert/strict';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { FlowDecoder } from '../../../probes/netflow/flowDecoder.ts';
import { FlowCheck } from '../../fuzz/flowCheck.ts';
import { type FlowCapture, flowCapturesOrPending } from '../../support/flowCaptures.ts';
import { ownFlowDatagrams } from '../../support/ownFlowDatagrams.ts';
import type { MutationInput, MutationJob, MutationReport } from './mutationWorker.ts';

const MUTATIONS = Number(process.env['WEIR_MUTATIONS'] ?? 1_000_000);
const NOW = 1_700_000_000_000;

/** Each datagram once, behind those of its capture that tell of templates or sampling. */
function jobsOf({ name, datagrams }: FlowCapture): MutationJob[] {
  const decoder = new FlowDecoder(new FlowCheck());
  let saved = '';
  const before = datagrams.filter(({ exporter, bytes }) => {
    decoder.decode(exporter, bytes, 0, bytes.length, NOW);
    const known = saved;
    saved = JSON.stringify(decoder.save());
    return saved !== known && saved !== '[]';
  });
  const distinct = new Map(datagrams.map(({ bytes }) => [Buffer.from(bytes).toString('latin1'), bytes]));
  return [...distinct.values()].map((datagram, i) => ({
    name: `${name}, datagram ${i}`,
    datagram,
    before: before.map(({ bytes }) => bytes),
  }));
}

/** Every prefix of every datagram, behind the whole capture, which must not mean anything else afterwards. */
function truncate({ name, datagrams }: FlowCapture): void {
  const check = new FlowCheck();
  const decoder = new FlowDecoder(check);
  const decodeAll = (): number => {
    check.records = 0;
    for (const { exporter, bytes } of datagrams) decoder.decode(exporter, bytes, 0, bytes.length, NOW);
    return check.records;
  };
  decodeAll();
  const records = decodeAll();
  for (const { exporter, bytes } of datagrams) {
    for (let length = 0; length < bytes.length; length++) {
      const prefix = bytes.slice(0, length);
      assert.doesNotThrow(() => decoder.decode(exporter, prefix, 0, length, NOW), `${name}, ${length} octets`);
    }
  }
  assert.equal(decodeAll(), records, name);
}

async function mutate(jobs: readonly MutationJob[]): Promise<MutationReport[]> {
  const next = new Int32Array(new SharedArrayBuffer(4));
  const input: MutationInput = { next, jobs, mutations: MUTATIONS };
  const reports: MutationReport[] = [];
  const workers = Array.from({ length: Math.min(availableParallelism(), jobs.length) }, () => {
    const worker = new Worker(new URL('mutationWorker.ts', import.meta.url), { workerData: input });
    worker.on('message', (report: MutationReport) => reports.push(report));
    return once(worker, 'exit');
  });
  await Promise.all(workers);
  return reports;
}

/** What was thrown, was impossible or slow; and that the mutations were worth decoding. */
async function assertSound(captures: readonly FlowCapture[]): Promise<void> {
  const jobs = captures.flatMap(jobsOf);
  const reports = await mutate(jobs);
  assert.deepEqual(
    reports.filter(({ problems }) => problems.length > 0),
    [],
  );
  assert.equal(reports.length, jobs.length);
  const records = reports.reduce((sum, each) => sum + each.records, 0);
  assert(records > jobs.length * MUTATIONS, `${records} records of ${jobs.length} datagrams`);
}

describe('the decoders of flows, on truncations and mutations', function () {
  this.timeout(3_600_000);
  const each = `${MUTATIONS.toLocaleString('en')} mutations of each`;

  it('stand every truncation of our own datagrams', () => ownFlowDatagrams.forEach(truncate));

  it('stand every truncation of real datagrams', function () {
    flowCapturesOrPending(this).forEach(truncate);
  });

  it(`stand ${each} of our own datagrams, in a millisecond`, () => assertSound(ownFlowDatagrams));

  it(`stand ${each} real datagram, in a millisecond`, function () {
    return assertSound(flowCapturesOrPending(this));
  });
});
