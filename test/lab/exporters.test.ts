import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Incident } from '../../daemon/incidents/incident.ts';
import type { StatusSnapshot } from '../../daemon/status/snapshot.ts';
import { type Command, icmpFlood, synFlood, udpFlood } from './attacks.ts';
import { labConfiguration } from './configuration.ts';
import { ACTIVE_TIMEOUT, type Exporter, type ExporterPlan, nfprobe, sfprobe, softflowd } from './exporters.ts';
import { Lab } from './lab.ts';
import { LabDaemon } from './labDaemon.ts';
import type { LabProcess } from './labProcess.ts';
import { type Host, INTERNET_IPV4, TENANTS } from './topology.ts';

/** An export interval, the windows' lag, and a machine that has other things to do. */
const NAMED_WITHIN_MS = 20_000;
const CLOSED_WITHIN_MS = 25_000;
const seconds = 40;
/** Several times the thresholds, and what an exporter that tracks every packet as a flow can follow. */
const packetsPerSecond = 4000;

const { acme, birch, cedar } = TENANTS;
/** The edge router: what it forwards it tells of. */
const ROUTER = '198.51.100.2';
const COLLECTOR = '198.51.100.1:2055';

interface Case {
  readonly title: string;
  readonly exporter: (plan: ExporterPlan) => Exporter;
  readonly protocol: string;
  readonly flood: Command;
  readonly from: Host;
  readonly incident: Pick<Incident, 'signature' | 'tenant' | 'direction' | 'victim'>;
}

const CASES: readonly Case[] = [
  {
    title: "softflowd's NetFlow v5",
    exporter: (plan) => softflowd(5, plan),
    protocol: 'netflow5',
    flood: synFlood({ to: acme.ipv4, seconds, packetsPerSecond, spoofed: true }),
    from: 'internet',
    incident: { signature: 'synFlood', tenant: 'acme', direction: 'inbound', victim: acme.ipv4 },
  },
  {
    title: "softflowd's NetFlow v9",
    exporter: (plan) => softflowd(9, plan),
    protocol: 'netflow9',
    flood: icmpFlood({ to: birch.ipv4, seconds, packetsPerSecond, spoofed: true }),
    from: 'internet',
    incident: { signature: 'icmpFlood', tenant: 'birch', direction: 'inbound', victim: birch.ipv4 },
  },
  {
    title: "softflowd's IPFIX",
    exporter: (plan) => softflowd(10, plan),
    protocol: 'ipfix',
    flood: udpFlood({ to: cedar.ipv4, seconds, packetsPerSecond, payload: 200 }),
    from: 'internet',
    incident: { signature: 'udpFlood', tenant: 'cedar', direction: 'inbound', victim: cedar.ipv4 },
  },
  {
    title: "pmacctd's NetFlow v9 (nfprobe)",
    exporter: (plan) => nfprobe(9, plan),
    protocol: 'netflow9',
    flood: synFlood({ to: INTERNET_IPV4, seconds, packetsPerSecond }),
    from: 'birch',
    incident: { signature: 'synFlood', tenant: 'birch', direction: 'outbound', victim: INTERNET_IPV4 },
  },
  {
    title: "pmacctd's IPFIX (nfprobe)",
    exporter: (plan) => nfprobe(10, plan),
    protocol: 'ipfix',
    flood: icmpFlood({ to: acme.ipv4, seconds, packetsPerSecond }),
    from: 'internet',
    incident: { signature: 'icmpFlood', tenant: 'acme', direction: 'inbound', victim: acme.ipv4 },
  },
  {
    title: "pmacctd's sFlow v5 (sfprobe), one packet in ten",
    exporter: (plan) => sfprobe(10, plan),
    protocol: 'sflow5',
    flood: synFlood({ to: birch.ipv4, seconds, packetsPerSecond, spoofed: true }),
    from: 'internet',
    incident: { signature: 'synFlood', tenant: 'birch', direction: 'inbound', victim: birch.ipv4 },
  },
];

const DETECTORS = { udpFlood: { packetsPerSecond: 1000 } };
const incidents = { closeAfter: '2s' };
const listener = (lab: Lab): Record<string, unknown> => ({
  listen: [COLLECTOR],
  exporters: [ROUTER],
  activeTimeout: ACTIVE_TIMEOUT,
  templates: join(lab.directory, 'templates.json'),
});

function startExporter(lab: Lab, exporter: Case['exporter']): LabProcess {
  const { command, file } = exporter({ interface: 'eth0', collector: COLLECTOR, directory: lab.directory });
  if (file !== null) writeFileSync(file.path, file.text);
  return lab.spawn('internet', command);
}

const find = ({ incidents: all }: StatusSnapshot, wanted: Case['incident']): Incident | undefined =>
  all.find(
    ({ signature, tenant, direction, victim }) =>
      signature === wanted.signature &&
      tenant === wanted.tenant &&
      direction === wanted.direction &&
      victim === wanted.victim,
  );

describe('the daemon on flow records alone', function () {
  this.timeout(60_000);
  let lab: Lab;
  let daemon: LabDaemon;

  before(async () => {
    lab = new Lab();
    const sections = { interfaces: [], collector: listener(lab), detectors: DETECTORS, incidents };
    daemon = await LabDaemon.start(lab, labConfiguration({ sections }));
  });
  after(() => lab.stop());

  for (const { title, exporter, protocol, flood, from, incident } of CASES) {
    it(`names by ${title} what the packets would show`, async () => {
      const exporting = startExporter(lab, exporter);
      const flooding = lab.spawn(from, flood);
      const named = await daemon.until('an incident', NAMED_WITHIN_MS, (status) => find(status, incident));
      const { collector } = await daemon.status();
      await Promise.all([flooding.stop('SIGINT'), exporting.stop()]);
      assert.equal(named.observationPoint, 'flow collector');
      assert.equal(named.evidence.tier, 'flow');
      const [row, ...others] = collector?.exporters ?? [];
      assert(row, 'no exporter is shown');
      assert(row.protocols.includes(protocol), row.protocols.join());
      assert.deepEqual(
        [row.address, others.length, row.malformed, row.lateRecords, row.futureRecords, row.implausibleRecords],
        [ROUTER, 0, {}, 0, 0, 0],
      );
    });
  }
});

describe('the daemon on packets and flow records of the same flood', function () {
  this.timeout(90_000);
  let lab: Lab;
  let daemon: LabDaemon;

  before(async () => {
    lab = new Lab();
    const sections = { collector: listener(lab), incidents };
    daemon = await LabDaemon.start(lab, labConfiguration({ sections }));
  });
  after(() => lab.stop());

  it('tells of one incident, from the first sight of the packets until the last of the records', async () => {
    const [first] = CASES;
    assert(first);
    const { exporter, flood, from, incident } = first;
    const exporting = startExporter(lab, exporter);
    const flooding = lab.spawn(from, flood);
    const named = await daemon.until('an incident', NAMED_WITHIN_MS, (status) => find(status, incident));
    assert.notEqual(named.observationPoint, 'flow collector');
    await daemon.until('records', NAMED_WITHIN_MS, ({ collector }) => (collector?.exporters[0]?.records ?? 0) > 0);
    await flooding.stop('SIGINT');
    const closed = await daemon.until('its end', CLOSED_WITHIN_MS, (status) => {
      const found = find(status, incident);
      return found?.state === 'closed' && found;
    });
    const endMs = Date.parse(closed.lastSeen);
    await daemon.until(
      'windows of later',
      CLOSED_WITHIN_MS,
      ({ collector }) => Date.parse(collector?.lastWindowAt ?? '') > endMs + 5000,
    );
    await exporting.stop();
    const { incidents: all, incidentCounters } = await daemon.status();
    assert.deepEqual(
      all.map(({ id, state }) => [id, state]),
      [[named.id, 'closed']],
    );
    assert.equal(incidentCounters.opened, 1);
  });
});
