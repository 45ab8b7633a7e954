import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { pino } from 'pino';
import { loadConfig } from '../../daemon/config/load.ts';
import { collectorStatus } from '../../daemon/status/collectorStatus.ts';
import { EventStream } from '../../daemon/status/eventStream.ts';
import { openApiDocument } from '../../daemon/status/openapi.ts';
import { startStatusServer, type StatusServer } from '../../daemon/status/server.ts';
import type { StatusSnapshot } from '../../daemon/status/snapshot.ts';
import { HistoryReader } from '../../daemon/store/historyReader.ts';

import { testCollector } from '../support/collectorStatus.ts';
import { sampleIncident, testIncident } from '../support/incident.ts';
import { fillPast, pastId, pastIncident } from '../support/pastStore.ts';
import {
  testArchive,
  testInterface,
  testLimit,
  testOverview,
  testSnapshot,
  testSources,
  testTenant,
} from '../support/snapshot.ts';
import { temporaryFolder } from '../store/temporary.ts';

const WORKLOAD = {
  name: 'unit acme.service',
  state: 'running' as const,
  cpuCores: 0.5,
  cpuLimitCores: null,
  cpuSeconds: 10,
  throttledSeconds: null,
  oomKills: 0,
  memoryBytes: 1e8,
  workingSetBytes: 9e7,
  memoryLimitBytes: null,
  waits: { cpu: 0.01, memory: null },
};

/** Everything that can be there is. */
const SNAPSHOT: StatusSnapshot = testSnapshot({
  interfaces: [
    testInterface(),
    testInterface({
      name: 'eth1',
      state: 'restarting',
      malformed: { snapped: 3 },
      onlySees: { direction: 'inbound', since: '2026-03-01T10:00:00.000Z' },
      captureProcess: { restarts: 2, lastFailure: 'SIGABRT' },
    }),
  ],
  collector: collectorStatus(testCollector(), loadConfig('weir.yaml', '').detectors),
  host: {
    sampledAt: '2026-03-01T10:00:12.000Z',
    everySeconds: 5,
    rounds: 10,
    failedRounds: 1,
    failure: null,
    isSearchCutShort: false,
    cores: 4,
    cpuCores: 1.5,
    cpuSeconds: 1000,
    load1: 0.7,
    memoryTotalBytes: 16e9,
    memoryAvailableBytes: 8e9,
    swapUsedBytes: 0,
    waits: { cpu: 0.1, memory: null },
  },
  tenants: [testTenant({ workload: WORKLOAD, limit: testLimit() }), testTenant({ id: 'globex', inbound: null })],
  incidents: [testIncident(), sampleIncident()],
  limits: [testLimit()],
  alertmanager: [
    {
      url: 'http://127.0.0.1:9093',
      ok: false,
      lastSuccessAt: null,
      lastError: 'refused',
      pending: 1,
      alertsSent: 0,
      alertsDropped: 0,
      postsFailed: 1,
    },
  ],
  store: {
    path: '/var/lib/weir/weir.db',
    state: 'ok',
    lastError: null,
    batches: 10,
    failures: 0,
    waiting: 0,
    dropped: 0,
    size: { bytes: 1, walBytes: 2 },
    lastWrittenAt: '2026-03-01T10:00:12.000Z',
  },
});

/** A path of the document, what is asked for, and how it is answered. */
const ASKED: readonly (readonly [path: string, target: string, status: number])[] = [
  ['/healthz', '/healthz', 503],
  ['/api/status', '/api/status', 200],
  ['/api/tenants', '/api/tenants?sort=rate&limit=1', 200],
  ['/api/tenants', '/api/tenants?limit=0', 400],
  ['/api/tenants/{id}', '/api/tenants/acme', 200],
  ['/api/tenants/{id}', '/api/tenants/nobody', 404],
  ['/api/incidents', '/api/incidents?state=open', 200],
  ['/api/incidents', '/api/incidents?tenant=acme&since=24h&limit=2', 200],
  ['/api/incidents', '/api/incidents?since=yesterday', 400],
  ['/api/incidents/{id}', '/api/incidents/synFlood-1', 200],
  ['/api/incidents/{id}', `/api/incidents/${pastId(1)}`, 200],
  ['/api/incidents/{id}', '/api/incidents/ffffffffffff', 404],
  ['/api/incidents/{id}/evidence.pcap', '/api/incidents/synFlood-1/evidence.pcap', 404],
  ['/api/limits', '/api/limits', 200],
  ['/api/limits', '/api/limits?state=ended', 200],
  ['/api/usage/{id}', '/api/usage/acme', 200],
  ['/api/usage/{id}', `/api/usage/acme?month=${new Date().toISOString().slice(0, 7)}`, 200],
  ['/api/usage/{id}', '/api/usage/acme?from=2h&to=3h', 400],
  ['/api/usage/{id}', '/api/usage/nobody', 404],
  ['/api/explain', '/api/explain?tenant=acme', 200],
  ['/api/explain', '/api/explain?tenant=nobody', 404],
  ['/api/explain', '/api/explain', 400],
];
/** Those that answer no JSON. */
const OTHERS = ['/api/events', '/metrics'];

function assertFits(validate: ValidateFunction, value: unknown): void {
  assert(validate(value), JSON.stringify(validate.errors, null, 1));
}

describe('the OpenAPI document', () => {
  const folder = temporaryFolder();
  const document = openApiDocument();
  let server: StatusServer;
  let reader: HistoryReader;
  let shapes: Ajv2020;

  before(async () => {
    const path = join(folder(), 'weir.db');
    fillPast(
      path,
      [1, 2, 3].map((number) => pastIncident(number)),
    );
    reader = new HistoryReader({ path });
    const archive = testArchive({
      reader,
      open: () => SNAPSHOT.incidents,
      tenantStatuses: () => SNAPSHOT.tenants,
    });
    server = await startStatusServer({
      ...testSources({ snapshot: () => SNAPSHOT, vitals: () => SNAPSHOT, archive }),
      explain: async (tenant) =>
        tenant === 'acme'
          ? { status: 200, explanation: { tenant, points: [], detectors: [] } }
          : { status: 404, error: 'nobody' },
      events: new EventStream({ overview: () => testOverview({ tenants: SNAPSHOT.tenants }) }),
      log: pino({}, { write: () => {} }),
      listen: { host: '127.0.0.1', port: 0 },
    });
    shapes = new Ajv2020({ allErrors: true, strict: true, strictTuples: false });
    shapes.addFormat('date-time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    // The rest of a document is not about shapes of values.
    shapes.addVocabulary(['openapi', 'info', 'paths', 'components']);
    shapes.addSchema(document, 'api');
  });
  after(async () => {
    await server.close();
    await reader.stop();
  });

  const ask = (target: string, signal?: AbortSignal) =>
    fetch(`http://127.0.0.1:${server.port}${target}`, signal === undefined ? {} : { signal });

  const validator = (pointer: string): ValidateFunction => shapes.compile({ $ref: `api#${pointer}` });

  it('names every path that answers JSON in these tests', () => {
    const asked = new Set(ASKED.map(([path]) => path));
    assert.deepEqual([...asked, ...OTHERS].toSorted(), Object.keys(document.paths).toSorted());
  });

  for (const [path, target, status] of ASKED)
    it(`describes the ${status} of ${target}`, async () => {
      const answer = await ask(target);
      assert.equal(answer.status, status);
      const pointer = `/paths/${path.replaceAll('/', '~1').replaceAll('{', '%7B').replaceAll('}', '%7D')}/get/responses/${status}/content/application~1json/schema`;
      assertFits(validator(pointer), await answer.json());
    });

  it('describes the events', async () => {
    const leave = new AbortController();
    const { body } = await ask('/api/events', leave.signal);
    assert(body !== null);
    for await (const chunk of body) {
      const data = /^event: status\ndata: (.*)$/m.exec(Buffer.from(chunk).toString())?.[1];
      assertFits(validator('/components/schemas/Overview'), JSON.parse(data ?? assert.fail()));
      break;
    }
    leave.abort();
    assertFits(validator('/components/schemas/IncidentChange'), { event: 'opened', incident: testIncident() });
  });

  it('is refused by what it does not describe', () => {
    const validate = validator('/components/schemas/Tenant');
    assert(!validate({ ...testTenant(), extra: 1 }));
    const { plan: _, ...rest } = testTenant();
    assert(!validate(rest));
  });

  it('is served, and names the bounds of every query', async () => {
    const answer = await ask('/api/openapi.json');
    assert.deepEqual(await answer.json(), JSON.parse(JSON.stringify(document)));
    const { parameters } = document.paths['/api/incidents']?.get ?? assert.fail();
    assert.deepEqual(
      parameters.map(({ name }) => name),
      ['state', 'tenant', 'since', 'limit', 'cursor'],
    );
  });
});
